package io.tidemark.run;

import io.tidemark.apply.AppliedPosition;
import io.tidemark.apply.KafkaApplyLoop;
import io.tidemark.apply.KafkaCatchUp;
import io.tidemark.apply.PgPositions;
import io.tidemark.apply.RowCounts;
import io.tidemark.change.OperatingFailure;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.postgres.PgSession;
import io.tidemark.sync.SyncConfiguration;
import io.tidemark.sync.SyncDefinition;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Applies everything that was committed at the source before it began, and ends when that is true.
 * A running stream does the work; without one, a loop runs for as long as it takes.
 */
final class IncrementalRun {
  /** How often the target is asked how far it is. */
  private static final Duration LOOK_EVERY = Duration.ofMillis(200);

  /** How often it is made sure that the target can get there. */
  private static final Duration CHECK_EVERY = Duration.ofSeconds(5);

  /** The capture is waited for in steps of this length, between which a cancellation is heard. */
  private static final Duration CAPTURE_STEP = Duration.ofSeconds(2);

  private static final String CURRENT_LSN =
      "select (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::int8";

  private final Rooms rooms;
  private final SyncConfiguration configuration;
  private final Optional<KafkaApplyLoop> running;
  private final CountDownLatch cancelled = new CountDownLatch(1);
  private volatile String phase = "capture";
  private volatile RowCounts before = RowCounts.NONE;
  private volatile long readBefore;
  private volatile Optional<KafkaApplyLoop> loop;

  /**
   * @param running the configuration's stream in this process, if there is one
   */
  IncrementalRun(Rooms rooms, SyncConfiguration configuration, Optional<KafkaApplyLoop> running) {
    this.rooms = rooms;
    this.configuration = configuration;
    this.running = running;
    loop = running;
  }

  void cancel() {
    cancelled.countDown();
  }

  ExecutionProgress progress() {
    return new ExecutionProgress(phase);
  }

  ExecutionCounts counts() {
    return loop.map(
            one -> {
              RowCounts done = one.progress().rows().minus(before);
              return new ExecutionCounts(
                  one.progress().changesRead() - readBefore,
                  done.inserted(),
                  done.updated(),
                  done.deleted(),
                  done.unchanged(),
                  done.skipped() + done.parked(),
                  done.conflictsDetected(),
                  done.conflictsResolved(),
                  0,
                  0);
            })
        .orElse(ExecutionCounts.NONE);
  }

  /**
   * Runs in the calling thread; answers the LSN that the target has reached, empty if cancelled.
   */
  Optional<Long> run() {
    SyncDefinition definition = configuration.definition();
    PgDatabase source = rooms.source(definition);
    running.ifPresent(this::remember);
    long lsn;
    try (PgSession session =
        PgSession.open(source, OperatingFailure.Kind.SOURCE, "position", "source position")) {
      lsn = session.number(CURRENT_LSN);
    }
    while (!rooms.tracker().awaitWritten(source, lsn, CAPTURE_STEP)) {
      if (isCancelled(Duration.ZERO)) {
        return Optional.empty();
      }
    }
    phase = "apply";
    Map<Integer, AppliedPosition> ends;
    try (KafkaCatchUp reader = new KafkaCatchUp(rooms.task(configuration), rooms.kafka())) {
      ends = reader.ends();
    }
    if (running.isPresent()) {
      return awaitApplied(ends) ? Optional.of(lsn) : Optional.empty();
    }
    try (KafkaApplyLoop own = rooms.loop(configuration, () -> rooms.plan(configuration))) {
      remember(own);
      loop = Optional.of(own);
      own.start();
      return awaitApplied(ends) ? Optional.of(lsn) : Optional.empty();
    }
  }

  private void remember(KafkaApplyLoop one) {
    before = one.progress().rows();
    readBefore = one.progress().changesRead();
  }

  /** Waits until the target stands at these positions; false if cancelled. */
  private boolean awaitApplied(Map<Integer, AppliedPosition> ends) {
    PgDatabase target = rooms.target(configuration.definition());
    try (PgSession session =
        PgSession.open(target, OperatingFailure.Kind.TARGET, "position", "positions")) {
      PgPositions positions = new PgPositions(session, configuration.id());
      String topic = rooms.topic(configuration.definition());
      long checked = System.nanoTime();
      while (!stands(positions.find(topic), ends)) {
        if (isCancelled(LOOK_EVERY)) {
          return false;
        }
        if (System.nanoTime() - checked > CHECK_EVERY.toNanos()) {
          checked = System.nanoTime();
          if (Assumptions.now(rooms, configuration) instanceof Assessment.Broken broken) {
            // Its stream has stopped, or stops soon: nobody would get there.
            throw broken.failure();
          }
        }
      }
      positions.settle(topic);
      return true;
    }
  }

  private static boolean stands(List<AppliedPosition> now, Map<Integer, AppliedPosition> ends) {
    return ends.values().stream()
        .allMatch(
            end ->
                end.nextOffset() == 0
                    || now.stream()
                        .anyMatch(
                            at ->
                                at.partition() == end.partition()
                                    && (end.topicId() == null || at.isIn(end.topicId()))
                                    && at.nextOffset() >= end.nextOffset()));
  }

  private boolean isCancelled(Duration within) {
    try {
      return cancelled.await(within.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return true;
    }
  }
}
