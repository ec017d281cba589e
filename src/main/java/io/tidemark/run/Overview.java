package io.tidemark.run;

import io.tidemark.sync.Finding;
import io.tidemark.sync.SyncConfiguration;
import io.tidemark.sync.TrackedPartition;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A configuration and how it is doing.
 *
 * @param lastExecution null before the first
 * @param nextRunAt when its schedule lets it run next, in the past if it waits for its turn; null
 *     without a schedule, while it runs, and while it is paused or disabled
 * @param rowsParked changes that the target refused and that wait for a full sync
 * @param conflictsPending rows that both sides wrote and that wait for a decision
 * @param warnings what pre-flight found, right after a definition was accepted
 */
public record Overview(
    SyncConfiguration configuration,
    @Nullable Execution lastExecution,
    @Nullable Instant nextRunAt,
    List<TrackedPartition> tracking,
    long rowsParked,
    long conflictsPending,
    List<Finding> warnings) {
  public Overview {
    tracking = List.copyOf(tracking);
    warnings = List.copyOf(warnings);
  }

  /** How far a target is behind its source. */
  public record Lag(long events, double seconds) {}

  /** How far behind it is as a whole; empty before anything was captured. */
  public Optional<Lag> lag() {
    return tracking.isEmpty()
        ? Optional.empty()
        : Optional.of(
            new Lag(
                tracking.stream().mapToLong(TrackedPartition::lagEvents).sum(),
                tracking.stream().mapToDouble(TrackedPartition::lagSeconds).max().orElse(0)));
  }

  Overview warning(List<Finding> found) {
    return new Overview(
        configuration, lastExecution, nextRunAt, tracking, rowsParked, conflictsPending, found);
  }
}
