package io.tidemark.apply;

import io.tidemark.change.RowKey;
import io.tidemark.change.SourcePosition;
import java.util.List;

/**
 * A change that the target refused, set aside so that the others flow.
 *
 * @param keyColumns the names of the key's columns in the target, in the key's order
 * @param offset of its record in the topic's partition
 * @param code the SQLSTATE, or {@code row_missing}
 * @param reason a sentence without the row's values
 */
public record ParkedRow(
    List<String> keyColumns,
    RowKey key,
    String topic,
    int partition,
    long offset,
    SourcePosition position,
    String code,
    String reason) {
  public ParkedRow {
    keyColumns = List.copyOf(keyColumns);
  }
}
