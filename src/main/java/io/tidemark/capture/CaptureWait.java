package io.tidemark.capture;

import io.tidemark.capture.WrittenPosition.Phase;
import io.tidemark.change.OperatingFailure;
import io.tidemark.postgres.Lsn;
import io.tidemark.postgres.PgDatabase;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/** Waits for the topics to hold everything up to an LSN. */
final class CaptureWait {
  /** One look at the position topic; news end it early. */
  private static final Duration ONE_LOOK = Duration.ofMillis(50);

  /** How often a local capture's progress is looked at. */
  private static final long LOCAL_MILLIS = 2;

  /** After this the local capture is thought to be somewhere else. */
  private static final Duration LOCAL_MAX = Duration.ofMillis(200);

  private final CaptureSettings settings;
  private final Map<String, Object> clients;
  private final PgDatabase source;

  CaptureWait(CaptureSettings settings, Map<String, Object> clients, PgDatabase source) {
    this.settings = settings;
    this.clients = clients;
    this.source = source;
  }

  /**
   * Whether the topics hold everything up to the LSN before the time is over.
   *
   * @throws OperatingFailure if they never will, since the slot was made after the LSN
   */
  boolean until(long lsn, Duration max, Optional<CaptureProgress> local) {
    long until = System.nanoTime() + max.toNanos();
    // What is written stays written, so the local answer is good whoever captures now.
    if (covers(local, lsn)) {
      return true;
    }
    PgSource.mark(source);
    if (local.isPresent() && awaitLocal(local, lsn, until)) {
      return true;
    }
    try (KafkaPositionReader reader =
        new KafkaPositionReader(settings, clients, source.connection())) {
      // LSNs of another cluster behind the same address would say nothing.
      String slot = CaptureNames.of(settings, source.connection()).slot();
      SlotGeneration generation = PgSource.generation(source, slot);
      Optional<WrittenPosition> last = reader.recent();
      while (last.isEmpty()
          || !generation.equals(last.get().generation())
          || !covers(last.get(), lsn)) {
        long left = until - System.nanoTime();
        if (left <= 0) {
          return false;
        }
        Duration look = Duration.ofNanos(Math.min(left, ONE_LOOK.toNanos()));
        Optional<WrittenPosition> newer = reader.next(look);
        last = newer.isPresent() ? newer : last;
      }
      return true;
    }
  }

  /** Fails if the topics have a gap behind the LSN. */
  void requireNoGapSince(long lsn) {
    try (KafkaPositionReader reader =
        new KafkaPositionReader(settings, clients, source.connection())) {
      boolean isReset =
          reader
              .last()
              .filter(at -> at.phase() == Phase.WRITTEN && !at.isSinceAfter(lsn))
              .isEmpty();
      if (isReset) {
        throw wasReset(lsn);
      }
    }
  }

  private boolean covers(WrittenPosition last, long lsn) {
    if (last.isSinceAfter(lsn)) {
      throw wasReset(lsn);
    }
    return last.covers(lsn);
  }

  private OperatingFailure wasReset(long lsn) {
    return new OperatingFailure(
        OperatingFailure.Kind.SOURCE,
        "capture_reset",
        "the capture of connection '"
            + source.connection()
            + "' was made anew meanwhile, so the topics do not hold all changes since "
            + Lsn.text(lsn),
        "Start it again.",
        null);
  }

  private static boolean awaitLocal(Optional<CaptureProgress> local, long lsn, long until) {
    long localUntil = Math.min(until, System.nanoTime() + LOCAL_MAX.toNanos());
    while (!covers(local, lsn)) {
      if (System.nanoTime() >= localUntil) {
        return false;
      }
      try {
        Thread.sleep(LOCAL_MILLIS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return false;
      }
    }
    return true;
  }

  private static boolean covers(Optional<CaptureProgress> local, long lsn) {
    return local.flatMap(CaptureProgress::written).map(at -> at.covers(lsn)).orElse(false);
  }
}
