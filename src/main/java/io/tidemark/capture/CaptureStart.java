package io.tidemark.capture;

import io.tidemark.capture.WrittenPosition.Phase;
import io.tidemark.change.OperatingFailure;
import io.tidemark.change.TableName;
import io.tidemark.postgres.Lsn;
import java.util.Optional;

/**
 * Decides whether a capture may go on from what Kafka and the source say, and refuses rather than
 * guess: a capture that starts in the wrong place loses changes without a trace.
 */
final class CaptureStart {
  /** Codes of refusals that only a person can end. */
  static final String CLOSED_PREFIX = "capture_closed_";

  private final CaptureNames names;

  CaptureStart(CaptureNames names) {
    this.names = names;
  }

  /** The position to go on from: the last written one, or a new slot's first. */
  WrittenPosition decide(
      Optional<WrittenPosition> last, PgSlot slot, SlotGeneration now, long nowMillis) {
    if (slot.lost()) {
      throw closed("slot_lost", "the source removed WAL that slot " + now.slot() + " needs");
    }
    if (last.isEmpty()) {
      throw closed("no_position", "slot " + now.slot() + " exists, but no position was written");
    }
    WrittenPosition written = last.get();
    if (written.phase() != Phase.WRITTEN) {
      return WrittenPosition.first(now, slot.confirmedLsn(), nowMillis);
    }
    if (!now.equals(written.generation())) {
      throw closed(
          "other_source",
          "the last position belongs to "
              + written.generation()
              + ", but the source is now "
              + now);
    }
    // INVARIANT: the slot is confirmed only up to commits before a written position, so one that is
    // further on was made anew or moved by somebody else.
    long reached = written.position().commitLsn();
    if (Long.compareUnsigned(slot.confirmedLsn(), reached) > 0) {
      throw closed(
          "slot_ahead",
          "slot "
              + now.slot()
              + " stands at "
              + Lsn.text(slot.confirmedLsn())
              + ", behind which the topics end at "
              + Lsn.text(reached));
    }
    return written;
  }

  /** Refuses to go on without a slot that was in use: what it would have sent is gone. */
  void refuseIfInUse(Optional<WrittenPosition> last) {
    if (last.isPresent() && last.get().phase() == Phase.WRITTEN) {
      throw closed(
          "slot_missing", "slot " + names.slot() + " was in use and is gone, and with it changes");
    }
  }

  /** The topic of a table whose changes are to be written is gone. */
  OperatingFailure topicMissing(String topic, TableName table) {
    return closed(
        "topic_missing",
        "topic "
            + topic
            + ", which takes the changes of "
            + table
            + ", was deleted, and with it changes");
  }

  /** A failure that only a reset ends. */
  OperatingFailure closed(String code, String message) {
    return new OperatingFailure(
        OperatingFailure.Kind.SOURCE,
        CLOSED_PREFIX + code,
        message,
        "Changes may be missing in the topics. POST /captures/"
            + names.connection()
            + "/reset makes the capture anew and copies its tables in full.",
        null);
  }
}
