package io.tidemark.run;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One change topic and what its records are made of.
 *
 * @param table {@code schema.table} of the source
 * @param key the key's columns, in the table's order
 * @param columns in the table's order
 * @param schemaId which version of the table's schema the columns are; null if no change was
 *     captured yet
 */
public record TopicDescription(
    String name,
    String connection,
    String table,
    int partitions,
    List<String> key,
    List<TopicColumn> columns,
    @Nullable String schemaId) {
  /**
   * A column of the source.
   *
   * @param type as PostgreSQL writes it
   * @param key whether it is of the row's key
   */
  public record TopicColumn(String name, String type, boolean key) {}

  public TopicDescription {
    key = List.copyOf(key);
    columns = List.copyOf(columns);
  }
}
