package io.tidemark.apply;

import io.tidemark.change.Backoff;
import java.time.Duration;

/**
 * Bounds of every apply loop.
 *
 * @param pollMax how long one poll waits for records; also how soon a quiet loop notices that it is
 *     to stop
 * @param idleCheck how often a quiet loop looks whether broker and target are still there
 * @param backoff between attempts that fail
 * @param batchBytesMax record bytes per transaction at most, so that large rows do not fill the
 *     heap
 * @param sessions of one configuration in this process, which share its topic's partitions; at
 *     least 1
 */
public record ApplySettings(
    Duration pollMax, Duration idleCheck, Backoff backoff, int batchBytesMax, int sessions) {
  public static final ApplySettings DEFAULT =
      new ApplySettings(
          Duration.ofMillis(500),
          Duration.ofSeconds(5),
          new Backoff(Duration.ofMillis(200), Duration.ofSeconds(10)),
          16 << 20,
          1);

  /** The same with another number of sessions. */
  public ApplySettings with(int moreSessions) {
    return new ApplySettings(pollMax, idleCheck, backoff, batchBytesMax, moreSessions);
  }
}
