package io.tidemark.run;

import io.tidemark.apply.AppliedPosition;
import io.tidemark.apply.ApplyTask;
import io.tidemark.apply.KafkaCatchUp;
import io.tidemark.apply.PgPositions;
import io.tidemark.capture.ChangeTracker;
import io.tidemark.change.OperatingFailure;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.postgres.PgSession;
import io.tidemark.postgres.SourceSnapshot;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/** Waits for capture and apply on behalf of an execution, bounded, and until it is cancelled. */
final class TopicWait {
  /** Capture or apply may be far behind; they are waited for, but not forever. */
  private static final Duration WAIT_MAX = Duration.ofMinutes(30);

  /** The capture is waited for in steps of this length, between which a cancellation is heard. */
  private static final Duration CAPTURE_STEP = Duration.ofSeconds(2);

  /** How often the target is asked how far it is. */
  private static final Duration LOOK_EVERY = Duration.ofMillis(100);

  private final ChangeTracker tracker;
  private final PgDatabase source;
  private final KafkaCatchUp topic;
  private final CountDownLatch cancelled = new CountDownLatch(1);

  TopicWait(ChangeTracker tracker, PgDatabase source, KafkaCatchUp topic) {
    this.tracker = tracker;
    this.source = source;
    this.topic = topic;
  }

  /** Makes a wait, or whoever reads the topic, fail at once; from any thread. */
  void cancel() {
    cancelled.countDown();
    topic.stop();
  }

  /** Where the topic ends once everything that the snapshot sees is in it. */
  Map<Integer, AppliedPosition> untilWritten(SourceSnapshot snapshot) {
    return untilWritten(snapshot.lsn(), WAIT_MAX);
  }

  /** Fails if the capture was reset since the snapshot, which leaves a gap in the topic. */
  void requireNoGapSince(SourceSnapshot snapshot) {
    tracker.requireNoGapSince(source, snapshot.lsn());
  }

  /** Where the topic ends once everything that was written up to an LSN is in it. */
  Map<Integer, AppliedPosition> untilWritten(long lsn, Duration max) {
    long deadline = System.nanoTime() + max.toNanos();
    while (!tracker.awaitWritten(source, lsn, CAPTURE_STEP)) {
      pause(Duration.ZERO);
      if (System.nanoTime() > deadline) {
        throw late(
            OperatingFailure.Kind.SOURCE,
            "capture_behind",
            "the capture of connection '" + source.connection() + "'",
            "see GET /captures for what holds it up");
      }
    }
    return topic.ends();
  }

  /** Returns, with where the topic ended then, when the target has all that the snapshot sees. */
  Map<Integer, AppliedPosition> untilApplied(SourceSnapshot snapshot, ApplyTask task) {
    Map<Integer, AppliedPosition> ends = untilWritten(snapshot);
    try (PgSession session =
        PgSession.open(task.target(), OperatingFailure.Kind.TARGET, "position", "positions")) {
      PgPositions positions = new PgPositions(session, task.configuration());
      untilApplied(ends, () -> positions.find(task.topic()));
    }
    return ends;
  }

  /** Returns when the target stands at these positions. */
  void untilApplied(
      Map<Integer, AppliedPosition> ends, Supplier<Collection<AppliedPosition>> standing) {
    long deadline = System.nanoTime() + WAIT_MAX.toNanos();
    while (!reached(ends, standing.get())) {
      pause(LOOK_EVERY);
      if (System.nanoTime() > deadline) {
        throw late(
            OperatingFailure.Kind.TARGET,
            "apply_behind",
            "the target",
            "see the configuration's state_reason for what holds it up");
      }
    }
  }

  static Map<Integer, AppliedPosition> byPartition(Collection<AppliedPosition> positions) {
    Map<Integer, AppliedPosition> byPartition = new HashMap<>();
    positions.forEach(position -> byPartition.put(position.partition(), position));
    return byPartition;
  }

  /** Whether these positions are not behind the ends. */
  static boolean reached(Map<Integer, AppliedPosition> ends, Collection<AppliedPosition> standing) {
    return ends.values().stream()
        .allMatch(
            end ->
                standing.stream()
                    .anyMatch(
                        at ->
                            at.partition() == end.partition()
                                && at.nextOffset() >= end.nextOffset()));
  }

  private static OperatingFailure late(
      OperatingFailure.Kind kind, String code, String who, String hint) {
    return new OperatingFailure(
        kind, code, who + " did not come as far as this execution in time", hint, null);
  }

  private void pause(Duration time) {
    boolean stop;
    try {
      stop = cancelled.await(time.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      stop = true;
    }
    if (stop) {
      throw new OperatingFailure(
          OperatingFailure.Kind.CAPACITY, "cancelled", "the execution is ending", null, null);
    }
  }
}
