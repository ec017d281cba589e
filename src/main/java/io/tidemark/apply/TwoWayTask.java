package io.tidemark.apply;

import io.tidemark.postgres.PgDatabase;
import java.util.UUID;

/**
 * What a loop in both directions does. Each topic has one partition.
 *
 * @param configuration whose changes these are
 * @param sourceTopic what the source's users change
 * @param targetTopic what the target's users change
 * @param batchSize changes of both sides together per transaction at most, 1 to 50 000
 */
public record TwoWayTask(
    UUID configuration,
    PgDatabase source,
    PgDatabase target,
    String sourceTopic,
    String targetTopic,
    int batchSize) {}
