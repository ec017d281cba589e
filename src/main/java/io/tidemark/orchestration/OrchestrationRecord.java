package io.tidemark.orchestration;

import io.tidemark.run.Execution;
import io.tidemark.run.ExecutionCounts;
import io.tidemark.run.ExecutionProgress;
import io.tidemark.run.ExecutionStatus;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/**
 * An execution with the executions that it has asked for so far.
 *
 * @param children oldest first; a configuration has several if a process ended before they did
 */
public record OrchestrationRecord(OrchestrationExecution execution, List<Execution> children) {
  public OrchestrationRecord {
    children = List.copyOf(children);
  }

  /** What the children have done together. */
  public ExecutionCounts counts() {
    return children.stream()
        .map(Execution::counts)
        .reduce(ExecutionCounts.NONE, ExecutionCounts::plus);
  }

  /** How far it is as a whole, each sync counting the same, whatever its table's size. */
  public ExecutionProgress progress() {
    Collection<Execution> newest = newest();
    int all = execution.definition().configurations().size();
    long ended = newest.stream().filter(child -> child.status().isFinal()).count();
    double percent = newest.stream().mapToDouble(OrchestrationRecord::percent).sum() / all;
    double rowsPerSecond =
        newest.stream()
            .filter(child -> child.status() == ExecutionStatus.RUNNING)
            .map(Execution::progress)
            .filter(progress -> progress != null && progress.rowsPerSecond() != null)
            .mapToDouble(ExecutionProgress::rowsPerSecond)
            .sum();
    return new ExecutionProgress(
        ended + " of " + all + " ended",
        percent,
        execution.status().isFinal() ? null : Double.valueOf(rowsPerSecond),
        null);
  }

  private static double percent(Execution child) {
    if (child.status().isFinal()) {
      return 100;
    }
    ExecutionProgress progress = child.progress();
    return progress == null || progress.percent() == null ? 0 : progress.percent();
  }

  private Collection<Execution> newest() {
    Map<UUID, Execution> newest = new LinkedHashMap<>();
    children.forEach(child -> newest.put(child.configurationId(), child));
    return newest.values();
  }

  /** Configurations whose turn has not come, and, once it has ended, will not. */
  public List<UUID> notBegun() {
    return execution.definition().configurations().stream()
        .filter(one -> !execution.refused().containsKey(one))
        .filter(one -> children.stream().noneMatch(child -> child.configurationId().equals(one)))
        .toList();
  }
}
