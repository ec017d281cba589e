package io.tidemark.change;

import org.jspecify.annotations.Nullable;

/**
 * Where a change comes from: the {@code source} block of Debezium's envelope.
 *
 * @param connection the source connection's name
 * @param database the source database's name
 * @param transaction the low 32 bits of the transaction's id
 * @param lsn the LSN of the change itself
 * @param committedMicros the commit's time, microseconds since 1970 UTC
 * @param origin the replication origin that the change carries; null for a change made at the
 *     source itself
 * @param schemaId the {@link TableSchema} that the change was made under; null in a topic's records
 *     from before schemas were written
 */
public record ChangeSource(
    String connection,
    String database,
    TableName table,
    SourcePosition position,
    long transaction,
    long lsn,
    long committedMicros,
    @Nullable String origin,
    @Nullable String schemaId) {}
