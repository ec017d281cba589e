package io.tidemark.change;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** One committed change of a source table. */
public sealed interface Change {
  ChangeSource source();

  /** The letter that Debezium's envelope has for it: {@code c}, {@code u}, {@code d}, {@code t}. */
  String op();

  default TableName table() {
    return source().table();
  }

  default SourcePosition position() {
    return source().position();
  }

  /** What the change tells of the row before it; null if it tells nothing. */
  @Nullable Row imageBefore();

  /** The row after the change; null if there is none. */
  @Nullable Row imageAfter();

  /** Of one half of a key change, the key columns' values of the other half; else null. */
  @Nullable Row otherKey();

  /**
   * A row came into being, or got another key: the source's one key change is a delete of the old
   * key, then an insert of the new one, both at the same ordinal.
   *
   * @param oldKey the key columns' former values if this is a key change, else null
   */
  record Insert(ChangeSource source, Row after, @Nullable Row oldKey) implements Change {
    public Insert(ChangeSource source, Row after) {
      this(source, after, null);
    }

    public Optional<Row> movedFrom() {
      return Optional.ofNullable(oldKey);
    }

    @Override
    public @Nullable Row imageBefore() {
      return null;
    }

    @Override
    public @Nullable Row imageAfter() {
      return after;
    }

    @Override
    public @Nullable Row otherKey() {
      return oldKey;
    }

    @Override
    public String op() {
      return "c";
    }
  }

  /**
   * A row got other values under the same key.
   *
   * @param earlier what the source told of the row before: all of it under REPLICA IDENTITY FULL,
   *     else null
   */
  record Update(ChangeSource source, @Nullable Row earlier, Row after) implements Change {
    public Optional<Row> before() {
      return Optional.ofNullable(earlier);
    }

    @Override
    public @Nullable Row imageBefore() {
      return earlier;
    }

    @Override
    public @Nullable Row imageAfter() {
      return after;
    }

    @Override
    public @Nullable Row otherKey() {
      return null;
    }

    @Override
    public String op() {
      return "u";
    }
  }

  /**
   * A row is gone.
   *
   * @param before the key columns at least; the others are absent or null as the source's replica
   *     identity has it
   * @param newKey the key columns' new values if this is a key change, else null
   */
  record Delete(ChangeSource source, Row before, @Nullable Row newKey) implements Change {
    public Delete(ChangeSource source, Row before) {
      this(source, before, null);
    }

    public Optional<Row> movedTo() {
      return Optional.ofNullable(newKey);
    }

    @Override
    public @Nullable Row imageBefore() {
      return before;
    }

    @Override
    public @Nullable Row imageAfter() {
      return null;
    }

    @Override
    public @Nullable Row otherKey() {
      return newKey;
    }

    @Override
    public String op() {
      return "d";
    }
  }

  /** All rows of the table are gone. */
  record Truncate(ChangeSource source) implements Change {
    @Override
    public @Nullable Row imageBefore() {
      return null;
    }

    @Override
    public @Nullable Row imageAfter() {
      return null;
    }

    @Override
    public @Nullable Row otherKey() {
      return null;
    }

    @Override
    public String op() {
      return "t";
    }
  }
}
