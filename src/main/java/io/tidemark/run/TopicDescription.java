package io.tidemark.run;

import java.util.List;

/**
 * One change topic and what its records are made of.
 *
 * @param table {@code schema.table} of the source
 * @param key the key's columns, in order
 * @param columns in the table's order
 */
public record TopicDescription(
    String name,
    String connection,
    String table,
    int partitions,
    List<String> key,
    List<TopicColumn> columns) {
  /**
   * A column of the source.
   *
   * @param type as PostgreSQL writes it
   */
  public record TopicColumn(String name, String type) {}

  public TopicDescription {
    key = List.copyOf(key);
    columns = List.copyOf(columns);
  }
}
