package io.tidemark.web;

import com.fasterxml.jackson.databind.PropertyNamingStrategies.SnakeCaseStrategy;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import io.tidemark.run.BulkDecision;
import java.util.List;
import java.util.UUID;
import org.eclipse.microprofile.openapi.annotations.media.Schema;

/** What came of one decision about many conflicts, as it is answered. */
@JsonNaming(SnakeCaseStrategy.class)
@Schema(name = "ResolveAllResult")
record BulkView(
    @Schema(description = "How many were decided") long decided,
    @Schema(description = "Up to 50 of those that were not") List<Refused> refused,
    @Schema(description = "How many were not") long refusedCount) {
  BulkView {
    refused = List.copyOf(refused);
  }

  /** A conflict that still waits, and why. */
  @Schema(name = "ResolveRefused")
  record Refused(UUID id, String detail) {}

  static BulkView of(BulkDecision.Result result) {
    return new BulkView(
        result.decided(),
        result.refused().stream().map(one -> new Refused(one.id(), one.detail())).toList(),
        result.refusedCount());
  }
}
