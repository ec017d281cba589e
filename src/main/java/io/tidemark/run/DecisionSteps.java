package io.tidemark.run;

import io.tidemark.apply.JdbcTargetRows;
import io.tidemark.apply.RowRefusal;
import io.tidemark.change.OperatingFailure;
import io.tidemark.change.Row;
import io.tidemark.change.RowKey;
import io.tidemark.conflict.Conflict;
import io.tidemark.conflict.ConflictStatus;
import io.tidemark.conflict.ConflictType;
import io.tidemark.conflict.JdbcDecisions;
import io.tidemark.conflict.JdbcDecisions.Held;
import io.tidemark.conflict.JdbcDecisions.Intent;
import io.tidemark.conflict.Resolution;
import io.tidemark.conflict.RowsJson;
import io.tidemark.run.DecisionTarget.Found;
import io.tidemark.sync.FieldError;
import io.tidemark.sync.Outcome;
import io.tidemark.sync.Refusal;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;

/**
 * The two steps of a decision: that it is to be done, and that it is. Whatever dies between or
 * within them, the second one can be repeated.
 */
final class DecisionSteps {
  private static final String UNIQUE_VIOLATION = "23505";

  private final JdbcDecisions decisions;

  DecisionSteps(JdbcDecisions decisions) {
    this.decisions = decisions;
  }

  /** What came of the first step. */
  enum Begun {
    /** It is on record. */
    INTENDED,
    /** A change joined since the conflict was read. */
    MOVED,
    /** Another decision is to be finished first. */
    OTHER,
    /** It waits for no decision any more. */
    ENDED
  }

  /**
   * Puts a decision on record.
   *
   * @param seen the conflict that the decision was made of
   */
  Begun begin(Conflict seen, Intent intent) {
    return decisions.holding(seen.id(), held -> begin(held, seen, intent)).orElse(Begun.ENDED);
  }

  private static Begun begin(Held held, Conflict seen, Intent intent) {
    if (held.conflict().status() != ConflictStatus.PENDING) {
      return Begun.ENDED;
    }
    if (held.intent().filter(kept -> !kept.id().equals(intent.id())).isPresent()) {
      return Begun.OTHER;
    }
    boolean moved =
        !Objects.equals(held.conflict().sourcePosition(), seen.sourcePosition())
            || !Objects.equals(held.conflict().sourceRow(), seen.sourceRow());
    if (moved && intent.resolution() == Resolution.SOURCE) {
      return Begun.MOVED;
    }
    held.intend(intent);
    return Begun.INTENDED;
  }

  /** Carries out what is on record; empty if a change joined since, so that it is to begin anew. */
  Optional<Outcome<Decided>> finish(UUID conflict, UUID decision, DecisionTarget target) {
    Finish finish = new Finish(decision, target);
    try {
      return decisions
          .holding(conflict, finish::of)
          .orElseGet(() -> Optional.of(Outcome.refused(unknown(conflict))));
    } catch (RuntimeException e) {
      giveUp(conflict, finish, e);
      throw e;
    }
  }

  /**
   * INVARIANT: a decision that may have reached the target stays on record until it is known to be
   * carried out. One that cannot have is given up: the person was told that it failed.
   */
  private void giveUp(UUID conflict, Finish finish, RuntimeException cause) {
    try {
      finish.target.rows().rollback();
    } catch (OperatingFailure e) {
      cause.addSuppressed(e);
    }
    if (finish.mayBeWritten) {
      return;
    }
    try {
      decisions.drop(conflict, finish.decision);
    } catch (OperatingFailure e) {
      cause.addSuppressed(e);
    }
  }

  private static final class Finish {
    private final UUID decision;
    private final DecisionTarget target;
    private final JdbcTargetRows rows;
    private boolean mayBeWritten;

    Finish(UUID decision, DecisionTarget target) {
      this.decision = decision;
      this.target = target;
      rows = target.rows();
    }

    Optional<Outcome<Decided>> of(Held held) {
      Conflict conflict = held.conflict();
      Optional<Intent> mine = held.intent().filter(kept -> kept.id().equals(decision));
      if (conflict.status() != ConflictStatus.PENDING) {
        return Optional.of(mine.isPresent() ? done(conflict) : Outcome.refused(ended(conflict)));
      }
      if (mine.isEmpty()) {
        // Whoever finished it found another row in the target.
        return Optional.of(Outcome.of(new Decided.Changed(conflict)));
      }
      Intent intent = mine.get();
      Found found = target.find(conflict);
      boolean isWritten = isWritten(conflict, intent, found);
      if (intent.resolution() == Resolution.SOURCE
          && !Objects.equals(intent.position(), conflict.sourcePosition())) {
        if (isWritten) {
          held.refresh(isUnique(conflict) ? null : found.text());
        }
        rows.rollback();
        return Optional.empty();
      }
      return Optional.of(
          found.isAsRecorded() || isWritten
              ? carryOut(held, intent, found, isWritten)
              : changed(held, intent, found));
    }

    /** Whether the target is already as the decision would make it. */
    private boolean isWritten(Conflict conflict, Intent intent, Found found) {
      if (intent.resolution() == Resolution.TARGET) {
        return false;
      }
      boolean holds = rows.holds(target.keyOf(conflict), RowsJson.row(intent.row()));
      boolean gaveWay = !isUnique(conflict) || intent.row() == null || found.row() == null;
      return holds && (intent.resolution() == Resolution.CUSTOM || gaveWay);
    }

    private Outcome<Decided> carryOut(Held held, Intent intent, Found found, boolean isWritten) {
      Optional<RowRefusal> refusal =
          switch (intent.resolution()) {
            case TARGET -> letStand(held.conflict(), found);
            case SOURCE -> putSource(held.conflict(), intent, found);
            case CUSTOM -> isWritten ? Optional.empty() : putCustom(held.conflict(), intent, found);
          };
      if (refusal.isPresent()) {
        return refused(held, intent, refusal.get());
      }
      mayBeWritten = true;
      rows.commit();
      held.resolve();
      return done(held.again());
    }

    /** Also if the target has it already: then it is marked as ours. */
    private Optional<RowRefusal> putSource(Conflict conflict, Intent intent, Found found) {
      RowKey own = target.keyOf(conflict);
      Row row = RowsJson.row(intent.row());
      if (row == null) {
        rows.delete(own);
        return Optional.empty();
      }
      if (!isUnique(conflict) || found.key() == null || found.row() == null) {
        return rows.put(own, row);
      }
      // The row gives way to the source's version of it, which need not hold the value.
      rows.delete(found.key());
      Optional<RowRefusal> refusal = rows.put(own, row);
      Optional<Row> instead = refusal.isPresent() ? Optional.empty() : target.newest(found.key());
      return instead.isPresent() ? rows.put(found.key(), instead.get()) : refusal;
    }

    private Optional<RowRefusal> putCustom(Conflict conflict, Intent intent, Found found) {
      Optional<RowRefusal> refusal = rows.put(target.keyOf(conflict), custom(intent));
      if (refusal.isPresent() || !isUnique(conflict)) {
        return refusal;
      }
      RowKey own = target.keyOf(conflict);
      return target.letBothStand(own, rows.lock(own).orElse(null), found);
    }

    private Optional<RowRefusal> letStand(Conflict conflict, Found found) {
      RowKey own = target.keyOf(conflict);
      return isUnique(conflict)
          ? target.letBothStand(own, rows.lock(own).orElse(null), found)
          : target.letStand(own, found);
    }

    private static Row custom(Intent intent) {
      return Objects.requireNonNull(RowsJson.row(intent.row()), "a row of its own has one");
    }

    private Outcome<Decided> refused(Held held, Intent intent, RowRefusal refusal) {
      rows.rollback();
      if (refusal.code().equals(UNIQUE_VIOLATION)) {
        Found again = target.find(held.conflict());
        if (!again.isAsRecorded()) {
          // A row that was missing could not be held: somebody has just put it.
          return changed(held, intent, again);
        }
        rows.rollback();
      }
      held.drop(intent);
      return Outcome.refused(refusalOf(intent, refusal));
    }

    private Outcome<Decided> changed(Held held, Intent intent, Found found) {
      rows.rollback();
      held.refresh(found.text());
      held.drop(intent);
      return Outcome.of(new Decided.Changed(held.again()));
    }
  }

  private static boolean isUnique(Conflict conflict) {
    return conflict.type() == ConflictType.UNIQUE_VIOLATION;
  }

  private static Outcome<Decided> done(Conflict conflict) {
    return Outcome.of(new Decided.Done(conflict));
  }

  private static Refusal refusalOf(Intent intent, RowRefusal refusal) {
    boolean custom = intent.resolution() == Resolution.CUSTOM;
    String message =
        custom
            ? "the target does not take the row: " + refusal.reason()
            : "the target does not take the source's row: "
                + refusal.reason()
                + "; mend that, or resolve with target or custom";
    List<String> columns = refusal.columns();
    return Refusal.database(
        columns.isEmpty() || !custom
            ? List.of(new FieldError(custom ? "row" : "resolution", message))
            : columns.stream().map(column -> new FieldError("row." + column, message)).toList());
  }

  static Refusal unknown(UUID conflict) {
    return Refusal.unknown("there is no conflict " + conflict);
  }

  static Refusal ended(Conflict conflict) {
    return Refusal.state("conflict " + conflict.id() + " waits for no decision any more");
  }
}
