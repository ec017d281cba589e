package io.tidemark.web;

import com.fasterxml.jackson.databind.PropertyNamingStrategies.SnakeCaseStrategy;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import io.tidemark.change.WireName;
import io.tidemark.orchestration.OrchestrationExecution;
import io.tidemark.orchestration.OrchestrationRecord;
import io.tidemark.run.ExecutionCounts;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.jspecify.annotations.Nullable;

/** An orchestration's execution, as it is answered. */
@JsonNaming(SnakeCaseStrategy.class)
@Schema(
    name = "OrchestrationExecution",
    description = "One run of one orchestration; counts are its children's together")
record OrchestrationExecutionView(
    UUID id,
    UUID orchestrationId,
    @Schema(
            nullable = true,
            description = "What each sync does; null: what its strategy says",
            enumeration = {"full", "incremental", "merge", "verify"})
        @Nullable String mode,
    @Schema(enumeration = {"manual", "schedule"}) String trigger,
    @Schema(enumeration = {"pending", "running", "completed", "failed", "cancelled"}) String status,
    @Schema(description = "When it was asked for") Instant createdAt,
    @Schema(nullable = true, implementation = String.class, format = "date-time")
        @Nullable Instant startedAt,
    @Schema(nullable = true, implementation = String.class, format = "date-time")
        @Nullable Instant finishedAt,
    long rowsRead,
    long rowsInserted,
    long rowsUpdated,
    long rowsDeleted,
    long rowsUnchanged,
    long rowsSkipped,
    long conflictsDetected,
    long conflictsResolved,
    long batches,
    long bytes,
    ExecutionView.@Nullable Progress progress,
    @Schema(nullable = true) ExecutionView.@Nullable Failure error,
    @Schema(
            description =
                "The executions that it has asked for so far, oldest first; a configuration has"
                    + " several if a process ended before they did")
        List<ExecutionView> children,
    @Schema(description = "Configurations that could not be asked to run")
        List<RefusedSync> refused,
    @Schema(description = "Configurations whose turn has not come, or did not come")
        List<UUID> notBegun) {
  /** A configuration that could not be asked to run. */
  @JsonNaming(SnakeCaseStrategy.class)
  @Schema(name = "RefusedSync")
  record RefusedSync(UUID configurationId, String detail) {}

  static OrchestrationExecutionView of(OrchestrationRecord one) {
    OrchestrationExecution execution = one.execution();
    ExecutionCounts counts = one.counts();
    var mode = execution.definition().executionMode();
    return new OrchestrationExecutionView(
        execution.id(),
        execution.orchestrationId(),
        mode == null ? null : WireName.of(mode),
        WireName.of(execution.trigger()),
        WireName.of(execution.status()),
        execution.createdAt(),
        execution.startedAt(),
        execution.finishedAt(),
        counts.rowsRead(),
        counts.rowsInserted(),
        counts.rowsUpdated(),
        counts.rowsDeleted(),
        counts.rowsUnchanged(),
        counts.rowsSkipped(),
        counts.conflictsDetected(),
        counts.conflictsResolved(),
        counts.batches(),
        counts.bytes(),
        ExecutionView.Progress.of(one.progress()),
        ExecutionView.Failure.of(execution.error()),
        one.children().stream().map(ExecutionView::of).toList(),
        execution.refused().entrySet().stream()
            .map(refused -> new RefusedSync(refused.getKey(), refused.getValue()))
            .toList(),
        one.notBegun());
  }
}
