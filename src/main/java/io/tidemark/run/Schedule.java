package io.tidemark.run;

import io.tidemark.sync.SyncConfiguration;
import java.time.Instant;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** When a configuration with an interval is due. */
final class Schedule {
  private Schedule() {}

  /**
   * The moment from which it may run; ticks that were missed are one. Empty without an interval,
   * while it runs, and while it does nothing by itself.
   *
   * @param last its newest execution that was to write the target, null before the first
   */
  static Optional<Instant> nextRun(SyncConfiguration configuration, @Nullable Execution last) {
    Optional<Integer> every = configuration.definition().intervalSeconds();
    if (!configuration.isActive() || last != null && !last.status().isFinal()) {
      return Optional.empty();
    }
    return last == null
        ? every.map(seconds -> configuration.createdAt())
        : every.map(seconds -> last.createdAt().plusSeconds(seconds));
  }
}
