package io.tidemark.apply;

import io.tidemark.postgres.PgDatabase;
import io.tidemark.sync.DeleteHandling;
import java.util.UUID;

/**
 * What one apply loop does.
 *
 * @param configuration whose changes these are; also names the consumer group
 * @param sourceConnection the name of the connection that the topic's changes come from
 * @param schemaTopic holds the schemas that the topic's changes name
 * @param batchSize changes per transaction at most, 1 to 50 000
 */
public record ApplyTask(
    UUID configuration,
    String sourceConnection,
    PgDatabase target,
    String topic,
    String schemaTopic,
    DeleteHandling deletes,
    int batchSize) {}
