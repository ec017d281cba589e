package io.tidemark.web;

import com.fasterxml.jackson.annotation.JsonRawValue;
import com.fasterxml.jackson.databind.PropertyNamingStrategies.SnakeCaseStrategy;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import io.tidemark.change.WireName;
import io.tidemark.conflict.Conflict;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.eclipse.microprofile.openapi.annotations.enums.SchemaType;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.jspecify.annotations.Nullable;

/** A conflict, as it is answered. */
@JsonNaming(SnakeCaseStrategy.class)
@Schema(name = "Conflict", description = "A row that somebody else wrote at the target")
record ConflictView(
    UUID id,
    UUID configurationId,
    String table,
    @Schema(type = SchemaType.OBJECT) @JsonRawValue String key,
    @Schema(
            enumeration = {
              "insert_exists",
              "update_origin_differs",
              "update_missing",
              "delete_origin_differs",
              "delete_missing",
              "unique_violation",
              "merge_differs"
            })
        String type,
    @Schema(enumeration = {"pending", "resolved", "superseded"}) String status,
    @Schema(enumeration = {"source_wins", "target_wins", "timestamp", "manual"}) String strategy,
    @Schema(type = SchemaType.OBJECT, nullable = true) @JsonRawValue @Nullable String sourceRow,
    @Schema(type = SchemaType.OBJECT, nullable = true) @JsonRawValue @Nullable String targetRow,
    @Schema(type = SchemaType.OBJECT, description = "null if it is not known", nullable = true)
        @JsonRawValue
        @Nullable String baseRow,
    List<String> differingColumns,
    @Schema(nullable = true) @Nullable String sourcePosition,
    Instant detectedAt,
    @Schema(nullable = true, implementation = String.class, format = "date-time")
        @Nullable Instant resolvedAt,
    @Schema(description = "strategy, or who decided", nullable = true) @Nullable String resolvedBy,
    @Schema(
            enumeration = {"source", "target", "custom"},
            nullable = true)
        @Nullable String resolution,
    @Schema(nullable = true) @Nullable String note) {
  ConflictView {
    differingColumns = List.copyOf(differingColumns);
  }

  static ConflictView of(Conflict conflict) {
    return new ConflictView(
        conflict.id(),
        conflict.configurationId(),
        conflict.table(),
        conflict.key(),
        WireName.of(conflict.type()),
        WireName.of(conflict.status()),
        WireName.of(conflict.strategy()),
        conflict.sourceRow(),
        conflict.targetRow(),
        conflict.baseRow(),
        conflict.differingColumns(),
        conflict.sourcePosition(),
        conflict.detectedAt(),
        conflict.resolvedAt(),
        conflict.resolvedBy(),
        conflict.resolution(),
        conflict.note());
  }
}
