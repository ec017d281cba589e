package io.tidemark.sync;

import io.tidemark.postgres.Lsn;
import java.time.Duration;
import java.time.Instant;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * How far one configuration has come in one partition of its topic.
 *
 * @param capturedLsn everything that the source committed up to it is in the topics; null before
 *     the capture has begun
 * @param appliedLsn of the newest change in the target; null before the first
 * @param capturedOffset where the next record will be written
 * @param appliedOffset where the next record to apply stands
 * @param lagEvents records not applied yet
 * @param lagSeconds how long ago the target was last known to hold all that the source had
 *     committed; 0 if it does
 */
public record TrackedPartition(
    UUID configurationId,
    String topic,
    int partition,
    @Nullable Long capturedLsn,
    @Nullable Long appliedLsn,
    long capturedOffset,
    long appliedOffset,
    long lagEvents,
    double lagSeconds,
    Instant updatedAt) {
  /** The same, told later: what was not applied has grown older, and so has what may be missing. */
  public TrackedPartition agedTo(Instant now) {
    double age = Duration.between(updatedAt, now).toMillis() / 1000.0;
    return new TrackedPartition(
        configurationId,
        topic,
        partition,
        capturedLsn,
        appliedLsn,
        capturedOffset,
        appliedOffset,
        lagEvents,
        lagSeconds + Math.max(0, age),
        now);
  }

  /** As PostgreSQL writes it, null before the first change. */
  public @Nullable String capturedLsnText() {
    return capturedLsn == null ? null : Lsn.text(capturedLsn);
  }

  /** As PostgreSQL writes it, null before the first change. */
  public @Nullable String appliedLsnText() {
    return appliedLsn == null ? null : Lsn.text(appliedLsn);
  }
}
