package io.tidemark.postgres;

import io.tidemark.change.TableName;
import java.util.List;
import java.util.Optional;

/**
 * What the catalog says of one table.
 *
 * @param oid in {@code pg_class}
 * @param relationKind {@code pg_class.relkind}: r table, p partitioned table, v view, …
 * @param persistence {@code pg_class.relpersistence}: p permanent, u unlogged, t temporary
 * @param replicaIdentity {@code pg_class.relreplident}: d default, n nothing, f full, i index
 * @param columns in the table's order
 * @param key the primary key's columns in the key's order, else those of a unique index over
 *     not-null columns; empty if there is neither
 * @param estimatedRows the planner's estimate, -1 if never analyzed
 */
public record TableShape(
    TableName name,
    long oid,
    char relationKind,
    char persistence,
    char replicaIdentity,
    List<ColumnShape> columns,
    List<String> key,
    long estimatedRows) {
  public TableShape {
    columns = List.copyOf(columns);
    key = List.copyOf(key);
  }

  public Optional<ColumnShape> column(String name) {
    return columns.stream().filter(column -> column.name().equals(name)).findFirst();
  }
}
