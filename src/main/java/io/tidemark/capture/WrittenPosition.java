package io.tidemark.capture;

import io.tidemark.change.SourcePosition;
import org.jspecify.annotations.Nullable;

/**
 * The newest record of a position topic: how far the change topics hold a source's history.
 *
 * @param phase what the record says
 * @param generation null unless something was written
 * @param sinceLsn where the slot was made: of what committed before it the topics may hold nothing
 * @param position everything up to and including it is in the topics
 * @param committedMicros when the source committed it, microseconds since 1970 UTC
 * @param writtenMillis when it was written, milliseconds since 1970 UTC
 */
record WrittenPosition(
    Phase phase,
    @Nullable SlotGeneration generation,
    long sinceLsn,
    SourcePosition position,
    long committedMicros,
    long writtenMillis) {

  enum Phase {
    /** A slot is about to be made: one that exists has never been read. */
    CREATING,
    /** The slot is in use. */
    WRITTEN,
    /** Capture was ended and the slot dropped. */
    RELEASED
  }

  static WrittenPosition creating(long writtenMillis) {
    return new WrittenPosition(Phase.CREATING, null, 0, SourcePosition.START, 0, writtenMillis);
  }

  static WrittenPosition released(long writtenMillis) {
    return new WrittenPosition(Phase.RELEASED, null, 0, SourcePosition.START, 0, writtenMillis);
  }

  /**
   * The position of a slot that was never read. The slot sends what commits after the LSN at which
   * it was made, so that LSN is the position, before any change of it.
   */
  static WrittenPosition first(SlotGeneration generation, long slotLsn, long writtenMillis) {
    SourcePosition position = new SourcePosition(slotLsn, 0, 0);
    return new WrittenPosition(
        Phase.WRITTEN, generation, slotLsn, position, writtenMillis * 1000, writtenMillis);
  }

  /** The same slot's next position. */
  WrittenPosition movedTo(SourcePosition next, long committedMicros, long writtenMillis) {
    return new WrittenPosition(phase, generation, sinceLsn, next, committedMicros, writtenMillis);
  }

  /** Whether everything that the slot sent up to the LSN is in the topics. */
  boolean covers(long lsn) {
    return phase == Phase.WRITTEN
        && !isSinceAfter(lsn)
        && Long.compareUnsigned(position.commitLsn(), lsn) >= 0;
  }

  /** Whether the slot was made anew after the LSN: the topics have a gap behind it. */
  boolean isSinceAfter(long lsn) {
    return phase == Phase.WRITTEN && Long.compareUnsigned(sinceLsn, lsn) > 0;
  }
}
