package io.tidemark.apply;

import io.tidemark.conflict.Age;
import io.tidemark.conflict.ConflictResolution;
import io.tidemark.conflict.ConflictResolver;
import io.tidemark.conflict.ConflictType;
import io.tidemark.conflict.Verdict;
import org.jspecify.annotations.Nullable;

/**
 * Decides about one row that either side may have written since they were in step, from what both
 * sides hold now. Pure, and the same whichever side's change is looked at: so both sides come to
 * one winner.
 *
 * <p>A side is <em>dirty</em> if its row was written there, by others than us, after what the other
 * side has seen of it. Only where both are dirty, or one is and the other deleted the row, is there
 * a conflict; else the dirty side is simply ahead.
 */
final class TwoWayDecision {
  private final ConflictResolver resolver;

  TwoWayDecision(ConflictResolver resolver) {
    this.resolver = resolver;
  }

  /** What is to be done. */
  enum Action {
    NOTHING,
    /** The source's row is written at the target. */
    TO_TARGET,
    /** The target's row is written at the source. */
    TO_SOURCE,
    /** The row is deleted on whichever side has it. */
    DELETE,
    /** A person decides; the key waits. */
    WAIT;

    /**
     * Whether both sides are in step afterwards. INVARIANT: nothing done because something is still
     * on its way is not: what was seen of the row then is not known to the other side.
     */
    boolean isInStep() {
      return this == TO_TARGET || this == TO_SOURCE || this == DELETE;
    }
  }

  /**
   * What to do, and what goes on record.
   *
   * @param conflict null if there is none
   * @param verdict on the conflict; the source is {@link Verdict#APPLY}'s side
   */
  record Outcome(Action action, @Nullable ConflictType conflict, @Nullable Verdict verdict) {
    static Outcome of(Action action) {
      return new Outcome(action, null, null);
    }
  }

  /** What the changes of one side's row that arrived together come to. */
  enum Event {
    NONE,
    /** The row is new: one of the changes inserted it, and none deleted it after that. */
    INSERTED,
    UPDATED,
    /** The last of the changes deleted it; if it is there all the same, it was put again since. */
    DELETED
  }

  /**
   * One side of a row.
   *
   * @param exists whether the side has the row now
   * @param ours whether we wrote it last
   * @param writtenMicros when it was written last by that side's clock; 0 if that is not known
   * @param timeMicros its timestamp column as microseconds since 1970 UTC; null for none
   * @param seenMicros writes of this side up to here are known to the other side
   * @param event what arrived of this side
   * @param eventMicros when the last of these changes was committed, by that side's clock
   */
  record Side(
      boolean exists,
      boolean ours,
      long writtenMicros,
      @Nullable Long timeMicros,
      long seenMicros,
      Event event,
      long eventMicros) {
    boolean isDirty() {
      return exists && !ours && writtenMicros > seenMicros;
    }

    boolean isDeleted() {
      return event == Event.DELETED;
    }

    /** Whether the row is as a later change left it, which has yet to arrive. */
    boolean isAheadOfItsChanges() {
      return event == Event.NONE || event == Event.DELETED || writtenMicros > eventMicros;
    }
  }

  Outcome decide(Side source, Side target, boolean equal) {
    if (source.exists() && target.exists()) {
      return bothThere(source, target, equal);
    }
    if (source.exists()) {
      return onlyAt(source, target, Action.TO_TARGET, ConflictType.UPDATE_MISSING);
    }
    if (target.exists()) {
      return onlyAt(target, source, Action.TO_SOURCE, ConflictType.DELETE_ORIGIN_DIFFERS);
    }
    return Outcome.of(Action.NOTHING);
  }

  private Outcome bothThere(Side source, Side target, boolean equal) {
    if (resolver.strategy() == ConflictResolution.TIMESTAMP) {
      // A row that we put back before its deletion was heard of: now the two have their times.
      if (target.isDeleted() && target.ours() && isOlder(source, target.eventMicros(), false)) {
        return new Outcome(Action.DELETE, ConflictType.UPDATE_MISSING, Verdict.KEEP);
      }
      if (source.isDeleted() && source.ours() && isOlder(target, source.eventMicros(), true)) {
        return new Outcome(Action.DELETE, ConflictType.DELETE_ORIGIN_DIFFERS, Verdict.APPLY);
      }
    }
    if (equal) {
      return Outcome.of(Action.NOTHING);
    }
    boolean here = isAhead(source, target);
    boolean there = isAhead(target, source);
    if (here != there) {
      return Outcome.of(here ? Action.TO_TARGET : Action.TO_SOURCE);
    }
    ConflictType type =
        !here
            ? ConflictType.MERGE_DIFFERS
            : source.event() == Event.INSERTED && target.event() == Event.INSERTED
                ? ConflictType.INSERT_EXISTS
                : ConflictType.UPDATE_ORIGIN_DIFFERS;
    Verdict verdict = resolver.decide(type, age(source, target));
    return new Outcome(
        switch (verdict) {
          case APPLY -> Action.TO_TARGET;
          case KEEP -> Action.TO_SOURCE;
          case REVIEW -> Action.WAIT;
        },
        type,
        verdict);
  }

  /** Clocks of commits may be out of the log's order by a moment; then the event tells. */
  private static boolean isAhead(Side one, Side other) {
    return one.isDirty()
        || !other.isDirty() && one.event() != Event.NONE && other.event() == Event.NONE;
  }

  /**
   * One side has the row, the other does not.
   *
   * @param onward what brings the row to the other side
   */
  private Outcome onlyAt(Side with, Side without, Action onward, ConflictType type) {
    if (!with.isDirty()) {
      // Without its event the deletion is still on its way; it will be heard of.
      return Outcome.of(without.isDeleted() ? Action.DELETE : Action.NOTHING);
    }
    if (!without.isDeleted()) {
      if (with.event() == Event.INSERTED) {
        return Outcome.of(onward);
      }
      if (with.isAheadOfItsChanges()) {
        // The row may have been deleted and put again since, and that be all why it is missing.
        return Outcome.of(Action.NOTHING);
      }
      if (resolver.strategy() == ConflictResolution.TIMESTAMP) {
        // Until the time of the deletion is known, the row is safer there than not.
        return Outcome.of(onward);
      }
    }
    boolean atSource = onward == Action.TO_TARGET;
    boolean deletionIsNewer = isOlder(with, without.eventMicros(), !atSource);
    // The deletion is the other side's.
    Age age = deletionIsNewer == atSource ? Age.TARGET_NEWER : Age.SOURCE_NEWER;
    Verdict verdict = resolver.decide(type, age);
    if (verdict == Verdict.REVIEW) {
      return new Outcome(Action.WAIT, type, verdict);
    }
    boolean rowStands = (verdict == Verdict.APPLY) == atSource;
    return new Outcome(rowStands ? onward : Action.DELETE, type, verdict);
  }

  /**
   * Whether a row is older than a deletion.
   *
   * @param onTie the answer for one time on both: a tie is the source's
   */
  private static boolean isOlder(Side row, long deletedMicros, boolean onTie) {
    Long time = row.timeMicros();
    if (time == null) {
      return true;
    }
    return time == deletedMicros ? onTie : time < deletedMicros;
  }

  /**
   * Decides which of two rows stands of which each side has one, and that hold one unique value.
   *
   * @return the source's is {@link Verdict#APPLY}'s
   */
  Verdict decideUnique(@Nullable Long sourceMicros, @Nullable Long targetMicros) {
    return resolver.decide(ConflictType.UNIQUE_VIOLATION, age(sourceMicros, targetMicros));
  }

  private static Age age(Side source, Side target) {
    return age(source.timeMicros(), target.timeMicros());
  }

  private static Age age(@Nullable Long here, @Nullable Long there) {
    if (here == null || there == null) {
      return here == null && there == null
          ? Age.SAME
          : here == null ? Age.TARGET_NEWER : Age.SOURCE_NEWER;
    }
    int order = Long.compare(here, there);
    return order == 0 ? Age.SAME : order > 0 ? Age.SOURCE_NEWER : Age.TARGET_NEWER;
  }
}
