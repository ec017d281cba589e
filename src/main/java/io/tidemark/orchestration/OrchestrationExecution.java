package io.tidemark.orchestration;

import io.tidemark.run.ExecutionError;
import io.tidemark.run.ExecutionStatus;
import io.tidemark.run.ExecutionTrigger;
import java.time.Instant;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * One run of one orchestration. What its syncs did is in their own executions, its children.
 *
 * @param definition the orchestration as it was when the run was asked for
 * @param createdAt when it was asked for
 * @param startedAt null while pending
 * @param finishedAt null until it has ended
 * @param error null unless failed
 * @param refused configurations that could not be asked to run, and why
 * @param cancelRequested whether a person asked to end it early
 */
public record OrchestrationExecution(
    UUID id,
    UUID orchestrationId,
    OrchestrationDefinition definition,
    ExecutionTrigger trigger,
    ExecutionStatus status,
    Instant createdAt,
    @Nullable Instant startedAt,
    @Nullable Instant finishedAt,
    @Nullable ExecutionError error,
    Map<UUID, String> refused,
    boolean cancelRequested) {
  public OrchestrationExecution {
    refused = Map.copyOf(refused);
  }

  /** An execution that was just asked for. */
  static OrchestrationExecution pending(
      UUID id,
      UUID orchestrationId,
      OrchestrationDefinition definition,
      ExecutionTrigger trigger,
      Instant createdAt) {
    return new OrchestrationExecution(
        id,
        orchestrationId,
        definition,
        trigger,
        ExecutionStatus.PENDING,
        createdAt,
        null,
        null,
        null,
        Map.of(),
        false);
  }
}
