package io.tidemark.apply;

import io.tidemark.change.RowKey;
import io.tidemark.change.SourcePosition;

/**
 * A change that the target refused, set aside so that the others flow.
 *
 * @param offset of its record in the topic's partition
 * @param code the SQLSTATE, or {@code row_missing}
 * @param reason a sentence without the row's values
 */
public record ParkedRow(
    RowKey key,
    String topic,
    int partition,
    long offset,
    SourcePosition position,
    String code,
    String reason) {}
