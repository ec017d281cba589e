package io.tidemark.capture;

import io.tidemark.change.Change;
import io.tidemark.change.Row;
import io.tidemark.change.SourcePosition;
import io.tidemark.change.TableSchema;
import org.jspecify.annotations.Nullable;

/** What the source sent, in the order of its commits. */
sealed interface Captured {
  SourcePosition position();

  /** When its transaction was committed, microseconds since 1970 UTC. */
  long committedMicros();

  /**
   * A change of a table.
   *
   * @param key the row's key; null for a truncate and for a table without a key
   * @param schema the one that the change names
   */
  record Changed(Change change, @Nullable Row key, TableSchema schema) implements Captured {
    @Override
    public SourcePosition position() {
      return change.position();
    }

    @Override
    public long committedMicros() {
      return change.source().committedMicros();
    }
  }

  /** A message of our own: no change, but everything committed before it came before it. */
  record Mark(SourcePosition position, long committedMicros) implements Captured {}
}
