package io.tidemark.web;

import com.fasterxml.jackson.annotation.JsonRawValue;
import com.fasterxml.jackson.databind.PropertyNamingStrategies.SnakeCaseStrategy;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import io.tidemark.run.Parked;
import java.time.Instant;
import java.util.UUID;
import org.eclipse.microprofile.openapi.annotations.enums.SchemaType;
import org.eclipse.microprofile.openapi.annotations.media.Schema;

/** A parked row, as it is answered. */
@JsonNaming(SnakeCaseStrategy.class)
@Schema(name = "ParkedRow", description = "A change that the target refused")
record ParkedRowView(
    UUID id,
    UUID configurationId,
    @Schema(description = "The target's") String table,
    @Schema(type = SchemaType.OBJECT) @JsonRawValue String key,
    @Schema(description = "The SQLSTATE, or row_missing") String reasonCode,
    @Schema(description = "What the target said, without the row's values") String message,
    String topic,
    int partition,
    long offset,
    String sourcePosition,
    @Schema(description = "How often the target has refused it") int attempts,
    Instant parkedAt) {
  static ParkedRowView of(Parked parked) {
    return new ParkedRowView(
        parked.id(),
        parked.configurationId(),
        parked.table(),
        parked.key(),
        parked.reasonCode(),
        parked.message(),
        parked.topic(),
        parked.partition(),
        parked.offset(),
        parked.sourcePosition(),
        parked.attempts(),
        parked.parkedAt());
  }
}
