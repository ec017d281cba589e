package io.tidemark.apply;

import io.tidemark.conflict.ConflictPolicy;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.sync.DeleteHandling;
import java.util.UUID;

/**
 * What one apply loop does.
 *
 * @param configuration whose changes these are; also names the consumer group
 * @param sourceConnection the name of the connection that the topic's changes come from
 * @param policy how conflicts are told and decided
 * @param batchSize changes per transaction at most, 1 to 50 000
 */
public record ApplyTask(
    UUID configuration,
    String sourceConnection,
    PgDatabase target,
    String topic,
    DeleteHandling deletes,
    ConflictPolicy policy,
    int batchSize) {}
