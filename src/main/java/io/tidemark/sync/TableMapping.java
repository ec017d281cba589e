package io.tidemark.sync;

import io.tidemark.change.RowShape;
import io.tidemark.change.TableName;
import io.tidemark.change.TableSchema;
import io.tidemark.postgres.ColumnShape;
import io.tidemark.postgres.TableShape;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One configuration's tables as both databases have them now: which source column goes into which
 * target column, and which of them tell a row from every other.
 *
 * @param columns the mapped columns in the source table's order; the key's among them, computed
 *     target columns not
 * @param key the key's columns, at least one, in the key's order
 * @param filter an SQL boolean expression over source columns, null for all rows
 */
public record TableMapping(
    TableShape source,
    TableShape target,
    List<Pair> columns,
    List<Pair> key,
    @Nullable String filter) {
  /** A source column and the target column that takes its values. */
  public record Pair(ColumnShape source, ColumnShape target) {
    /** The oid of the first type that a user can make. */
    private static final int USER_TYPES = 16384;

    /** Whether both columns have one type that users have made, an enum for instance. */
    public boolean isOfOneUserType() {
      return Integer.compareUnsigned(source.typeOid(), USER_TYPES) >= 0
          && source.castType().equals(target.castType());
    }

    Pair reversed() {
      return new Pair(target, source);
    }

    private Pair intoPlain() {
      return new Pair(
          source,
          new ColumnShape(
              target.name(),
              target.type(),
              target.castType(),
              target.typeOid(),
              target.nullable(),
              ColumnShape.Generation.WRITTEN));
    }
  }

  public TableMapping {
    columns = List.copyOf(columns);
    key = List.copyOf(key);
    if (key.isEmpty() || !columns.containsAll(key)) {
      throw new IllegalArgumentException("a mapping has a key, and the key is mapped");
    }
  }

  public Optional<String> rowFilter() {
    return Optional.ofNullable(filter);
  }

  /**
   * The target's name of a source column that tells when a row was written: it is mapped, and a
   * point in time on both sides.
   */
  public Optional<String> timestampColumn(String sourceColumn) {
    return columns.stream()
        .filter(pair -> pair.source().name().equals(sourceColumn))
        .filter(pair -> isTime(pair.source()) && isTime(pair.target()))
        .map(pair -> pair.target().name())
        .findFirst();
  }

  private static boolean isTime(ColumnShape column) {
    return switch (column.castType()) {
      case "timestamp with time zone", "timestamp without time zone", "date" -> true;
      default -> false;
    };
  }

  /**
   * A mapped source column that a version of the source's schema does not have, or of another type;
   * empty if there is none.
   */
  public Optional<String> misfit(TableSchema schema) {
    return columns.stream()
        .map(Pair::source)
        // The log has no computed columns.
        .filter(ColumnShape::isWritable)
        .filter(
            column ->
                schema.column(column.name()).filter(c -> c.type().equals(column.type())).isEmpty())
        .map(ColumnShape::name)
        .findFirst();
  }

  /**
   * This mapping with another table in the target's place, one that has the mapped columns and
   * computes none of them.
   */
  public TableMapping onto(TableName table) {
    if (table.equals(target.name())) {
      return this;
    }
    List<Pair> plain = columns.stream().map(Pair::intoPlain).toList();
    TableShape other =
        new TableShape(
            table,
            target.oid(),
            target.relationKind(),
            target.persistence(),
            target.replicaIdentity(),
            plain.stream().map(Pair::target).toList(),
            target.key(),
            target.estimatedRows());
    return new TableMapping(
        source, other, plain, key.stream().map(Pair::intoPlain).toList(), filter);
  }

  /** The mapped columns' names at the target. */
  public List<String> targetNames() {
    return columns.stream().map(pair -> pair.target().name()).toList();
  }

  /** The key's columns' names at the target. */
  public List<String> targetKeyNames() {
    return key.stream().map(pair -> pair.target().name()).toList();
  }

  /** The mapped columns as rows of the target have them. */
  public RowShape targetShape() {
    return shape(columns);
  }

  /** Likewise the key's. */
  public RowShape targetKeyShape() {
    return shape(key);
  }

  private static RowShape shape(List<Pair> pairs) {
    return RowShape.of(
        pairs.stream().map(pair -> pair.target().name()).toList(),
        pairs.stream().map(pair -> pair.target().kind()).toList());
  }

  /** The mapped columns that are not of the key. */
  public List<Pair> others() {
    return columns.stream().filter(pair -> !key.contains(pair)).toList();
  }

  /** The source table onto itself, whole: every column under its own name, and every row. */
  public TableMapping ofSource() {
    return new TableMapping(
        source,
        source,
        source.columns().stream().map(column -> new Pair(column, column)).toList(),
        key.stream().map(pair -> new Pair(pair.source(), pair.source())).toList(),
        null);
  }

  /** The mapping of the way back: the target's rows into the source. */
  public TableMapping reversed() {
    return new TableMapping(
        target,
        source,
        columns.stream().map(Pair::reversed).toList(),
        key.stream().map(Pair::reversed).toList(),
        null);
  }
}
