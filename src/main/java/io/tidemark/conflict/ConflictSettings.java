package io.tidemark.conflict;

import java.time.Duration;

/**
 * Bounds of what is on record.
 *
 * @param waitingMax conflicts of one configuration that may wait for a person at once, at least 1:
 *     its apply loop holds their keys in memory
 * @param retention how long a conflict that has ended is kept
 */
public record ConflictSettings(int waitingMax, Duration retention) {
  public static final ConflictSettings DEFAULTS =
      new ConflictSettings(100_000, Duration.ofDays(30));

  public ConflictSettings {
    if (waitingMax < 1) {
      throw new IllegalArgumentException("tidemark.conflicts.waiting-max is at least 1");
    }
    if (retention.isNegative() || retention.isZero()) {
      throw new IllegalArgumentException("tidemark.conflicts.retention is longer than nothing");
    }
  }
}
