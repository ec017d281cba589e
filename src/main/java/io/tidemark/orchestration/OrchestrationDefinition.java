package io.tidemark.orchestration;

import io.tidemark.run.ExecutionMode;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * What the user asked to run together.
 *
 * @param configurations different ones, in order
 * @param maxParallel how many run at once, 1 to {@value #MAX_PARALLEL_MAX}; parallel only
 * @param executionMode what each one does; null for the mode of its strategy
 * @param syncIntervalSeconds null: on demand only
 */
public record OrchestrationDefinition(
    String name,
    List<UUID> configurations,
    OrchestrationMode mode,
    int maxParallel,
    OnFailure onFailure,
    SyncOrder order,
    @Nullable ExecutionMode executionMode,
    @Nullable Integer syncIntervalSeconds) {
  public static final int MAX_PARALLEL_MAX = 64;

  /** A list of this length is still one page for a person to read. */
  public static final int CONFIGURATIONS_MAX = 1000;

  public OrchestrationDefinition {
    configurations = List.copyOf(configurations);
  }

  public Optional<Integer> intervalSeconds() {
    return Optional.ofNullable(syncIntervalSeconds);
  }

  /** This one with other configurations. */
  public OrchestrationDefinition withConfigurations(List<UUID> others) {
    return new OrchestrationDefinition(
        name, others, mode, maxParallel, onFailure, order, executionMode, syncIntervalSeconds);
  }

  OrchestrationDefinition withExecutionMode(ExecutionMode other) {
    return new OrchestrationDefinition(
        name, configurations, mode, maxParallel, onFailure, order, other, syncIntervalSeconds);
  }

  /** How many of its syncs run at once. */
  int atOnce() {
    return mode == OrchestrationMode.SEQUENTIAL ? 1 : maxParallel;
  }
}
