package io.tidemark.apply;

import java.time.Duration;

/**
 * Bounds of every apply loop.
 *
 * @param pollMax how long one poll waits for records; also how soon a quiet loop notices that it is
 *     to stop
 * @param idleCheck how often a quiet loop looks whether broker and target are still there
 * @param retryMin the first pause after a failure; doubles up to {@code retryMax}
 * @param batchBytesMax record bytes per transaction at most, so that large rows do not fill the
 *     heap
 */
public record ApplySettings(
    Duration pollMax, Duration idleCheck, Duration retryMin, Duration retryMax, int batchBytesMax) {
  public static final ApplySettings DEFAULT =
      new ApplySettings(
          Duration.ofMillis(500),
          Duration.ofSeconds(5),
          Duration.ofMillis(200),
          Duration.ofSeconds(10),
          16 << 20);
}
