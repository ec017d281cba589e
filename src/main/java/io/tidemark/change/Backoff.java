package io.tidemark.change;

import java.time.Duration;
import java.util.random.RandomGenerator;

/**
 * How long to wait before what failed is tried again: longer each time it fails.
 *
 * @param least the first pause is half of it to all of it; at least 1 ms
 * @param most no pause is longer, so that what comes back waits this long at most
 */
public record Backoff(Duration least, Duration most) {
  private static final int DOUBLINGS_MAX = 20;

  public Backoff {
    if (least.toMillis() < 1 || most.compareTo(least) < 0) {
      throw new IllegalArgumentException("the back-off goes from at least 1 ms up");
    }
  }

  /**
   * @param failures in a row, at least 1
   */
  public Duration pause(int failures, RandomGenerator random) {
    long doubled = least.toMillis() << Math.min(failures - 1, DOUBLINGS_MAX);
    long bounded = Math.min(doubled, most.toMillis());
    // Jitter keeps instances and connections from coming back in step.
    return Duration.ofMillis(bounded - random.nextLong(bounded / 2 + 1));
  }
}
