package io.tidemark.conflict;

import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * One row that somebody else wrote at the target, and what became of it. Rows are JSON objects of
 * column to value, as text.
 *
 * @param table the target table
 * @param key the row's key as a JSON object
 * @param baseRow the row as the source had it before the change; null if that is not known
 * @param sourcePosition where the change stands at the source, as text
 * @param resolvedBy {@code strategy}, or who decided; null while pending
 * @param resolution {@code source}, {@code target} or {@code custom}; null while pending
 */
public record Conflict(
    UUID id,
    UUID configurationId,
    String table,
    String key,
    ConflictType type,
    ConflictStatus status,
    ConflictResolution strategy,
    @Nullable String sourceRow,
    @Nullable String targetRow,
    @Nullable String baseRow,
    List<String> differingColumns,
    @Nullable String sourcePosition,
    Instant detectedAt,
    @Nullable Instant resolvedAt,
    @Nullable String resolvedBy,
    @Nullable String resolution,
    @Nullable String note) {
  public Conflict {
    differingColumns = List.copyOf(differingColumns);
  }
}
