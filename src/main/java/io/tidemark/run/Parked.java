package io.tidemark.run;

import java.time.Instant;
import java.util.UUID;

/**
 * A change that the target refused, as it waits in the store.
 *
 * @param table the target's
 * @param key a JSON object of the key's columns and values, as PostgreSQL's text
 * @param reasonCode the SQLSTATE, or {@code row_missing}
 * @param message a sentence without the row's values
 * @param sourcePosition of the change, as its record in the topic has it
 * @param attempts how often the target has refused it
 */
public record Parked(
    UUID id,
    UUID configurationId,
    String table,
    String key,
    String reasonCode,
    String message,
    String topic,
    int partition,
    long offset,
    String sourcePosition,
    int attempts,
    Instant parkedAt) {}
