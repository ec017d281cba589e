package io.tidemark.apply;

import io.tidemark.apply.JdbcSide.Held;
import io.tidemark.apply.RowEdit.Expected;
import io.tidemark.apply.TwoWayChanges.Touched;
import io.tidemark.apply.TwoWayDecision.Action;
import io.tidemark.apply.TwoWayDecision.Event;
import io.tidemark.apply.TwoWayDecision.Outcome;
import io.tidemark.apply.TwoWayDecision.Side;
import io.tidemark.apply.TwoWayMemory.Compared;
import io.tidemark.apply.TwoWaySql.Asked;
import io.tidemark.change.RowKey;
import io.tidemark.conflict.Later;
import io.tidemark.conflict.Verdict;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Rows of both sides that are brought in step together: read, compared, and written. */
final class JdbcTwoWayStep {
  private final List<RowEdit> intoSource = new ArrayList<>();
  private final List<RowEdit> intoTarget = new ArrayList<>();
  private final JdbcSide source;
  private final JdbcSide target;
  private final TwoWayDecision rules;
  private final TwoWayConflicts records;
  private final TwoWayMemory memory;
  private final TwoWayWork work;
  private final TwoWayFindings earlier;
  private final TwoWayFindings findings = new TwoWayFindings();
  private JdbcSide writing;

  /**
   * @param earlier what other keys of the same transactions came to
   */
  JdbcTwoWayStep(
      JdbcBothSides sides,
      TwoWayDecision rules,
      TwoWayConflicts records,
      TwoWayMemory memory,
      TwoWayWork work,
      TwoWayFindings earlier) {
    source = sides.source();
    target = sides.target();
    this.rules = rules;
    this.records = records;
    this.memory = memory;
    this.work = work;
    this.earlier = earlier;
    writing = source;
  }

  TwoWayFindings findings() {
    return findings;
  }

  /** The side that was written last, or is to be: it is the one that refuses. */
  JdbcSide writing() {
    return writing;
  }

  /** Brings rows in step. */
  void run(List<RowKey> keys) throws SQLException {
    Map<RowKey, Held> atSource =
        source.look(keys.stream().map(key -> new Asked(key, null)).toList());
    Map<RowKey, Held> atTarget =
        target.look(keys.stream().map(key -> new Asked(key, values(atSource.get(key)))).toList());
    for (RowKey key : keys) {
      take(key, atSource.get(key), atTarget.get(key));
    }
    write(source, intoSource);
    write(target, intoTarget);
  }

  /**
   * Lets one of two rows stand that hold one unique value, each on one side.
   *
   * @param fromSource whether the row of {@code key} is the source's, and the target's holds
   */
  void settle(boolean fromSource, RowKey key, RowKey holder, List<String> unique)
      throws SQLException {
    RowKey sourceKey = fromSource ? key : holder;
    RowKey targetKey = fromSource ? holder : key;
    if (memory.isWaiting(sourceKey)
        || earlier.reviewed().contains(sourceKey)
        || earlier.held().contains(targetKey)) {
      // The other side of a pair that a person is asked about already.
      findings.count(RowCounts.skipped(1));
      return;
    }
    List<Asked> both = List.of(new Asked(key, null), new Asked(holder, null));
    Map<RowKey, Held> atSource = source.look(both);
    Map<RowKey, Held> atTarget = target.look(both);
    Held ofSource = Objects.requireNonNull(atSource.get(sourceKey));
    Held ofTarget = Objects.requireNonNull(atTarget.get(targetKey));
    boolean isContested =
        fromSource
            ? side(ofTarget, work.target(), work.targetFrom(), holder).isDirty()
            : side(ofSource, work.source(), work.sourceFrom(), holder).isDirty();
    boolean sourceStands = fromSource;
    if (isContested) {
      Verdict verdict = rules.decideUnique(ofSource.timeMicros(), ofTarget.timeMicros());
      findings.add(records.ofValue(key, sourceKey, ofSource, ofTarget, unique, verdict, work));
      if (verdict == Verdict.REVIEW) {
        findings.addHeld(targetKey);
        return;
      }
      sourceStands = verdict == Verdict.APPLY;
    }
    Touched cause = work.touch(key);
    if (sourceStands) {
      giveWay(cause, target, atTarget, targetKey, sourceKey, atSource);
    } else {
      giveWay(cause, source, atSource, sourceKey, targetKey, atTarget);
    }
    for (RowKey one : List.of(key, holder)) {
      findings.addCompared(
          one, new Compared(written(atSource.get(one)), written(atTarget.get(one))));
    }
  }

  /**
   * Takes the other side's versions of two rows, of which one must let go of its value first.
   *
   * @param holder the key of the row here that holds the value
   * @param other the key of the other side's row that holds it
   */
  private void giveWay(
      Touched cause,
      JdbcSide here,
      Map<RowKey, Held> rows,
      RowKey holder,
      RowKey other,
      Map<RowKey, Held> there)
      throws SQLException {
    write(here, List.of(edit(cause, holder, null, rows.get(holder))));
    write(here, List.of(edit(cause, other, there.get(other), rows.get(other))));
    if (there.containsKey(holder)) {
      write(here, List.of(edit(cause, holder, there.get(holder), null)));
    }
  }

  private static @Nullable List<@Nullable String> values(@Nullable Held held) {
    return held == null ? null : held.values();
  }

  private void take(RowKey key, @Nullable Held source, @Nullable Held target) {
    if (memory.isWaiting(key)) {
      // Also for the target's change: it may be the decision itself, and the key wait no more.
      findings.addLater(new Later(key, records.row(source), work.positionOf(key)));
      return;
    }
    if (memory.isHeldBack(key)) {
      // The decision about the other row of the pair lets it flow.
      findings.addSkippedHeld(key);
      return;
    }
    Outcome outcome =
        rules.decide(
            side(source, work.source(), work.sourceFrom(), key),
            side(target, work.target(), work.targetFrom(), key),
            target != null && !target.differs());
    if (outcome.conflict() != null) {
      findings.add(records.ofKey(key, source, target, outcome, work));
    }
    switch (outcome.action()) {
      case TO_TARGET -> intoTarget.add(edit(key, source, target));
      case TO_SOURCE -> intoSource.add(edit(key, target, source));
      case DELETE -> {
        if (source != null) {
          intoSource.add(edit(key, null, source));
        }
        if (target != null) {
          intoTarget.add(edit(key, null, target));
        }
      }
      case NOTHING -> findings.count(RowCounts.unchanged(1));
      case WAIT -> findings.count(RowCounts.skipped(1));
    }
    boolean areEqual = outcome.action() == Action.NOTHING && source != null && target != null;
    if (areEqual || outcome.action().isInStep()) {
      findings.addCompared(key, new Compared(written(source), written(target)));
    }
  }

  private long written(@Nullable Held held) {
    return held == null || held.ours() ? 0 : held.writtenMicros();
  }

  private Side side(@Nullable Held held, TwoWayChanges changes, AppliedPosition from, RowKey key) {
    Touched touched = changes.touched().get(key);
    Event event = touched == null ? Event.NONE : touched.event();
    long micros = touched == null ? 0 : touched.micros();
    if (held == null) {
      return new Side(false, false, 0, null, from.committedMicros(), event, micros);
    }
    // What rewrote the table was nobody's write; whether somebody wrote before it, the changes
    // that arrived say.
    boolean ours = held.ours() || held.rewritten() && event == Event.NONE;
    return new Side(
        true,
        ours,
        held.writtenMicros(),
        held.timeMicros(),
        seenMicros(held, touched, changes == work.source(), from, key),
        event,
        micros);
  }

  /**
   * Up to when writes of the row are known to the other side.
   *
   * <p>INVARIANT: of the transaction in which the position stands only the changes before the
   * position are known. A row that it has written is known if it was compared since; else it comes
   * with this batch, or, as long as the transaction may go on behind the batch, later.
   */
  private long seenMicros(
      Held held, @Nullable Touched touched, boolean isSource, AppliedPosition from, RowKey key) {
    Compared compared = memory.compared(key);
    long known = isSource ? compared.sourceMicros() : compared.targetMicros();
    long standing = from.committedMicros();
    if (held.ours() || held.writtenMicros() != standing || known >= standing) {
      return Math.max(standing, known);
    }
    if (touched != null && touched.micros() == standing) {
      return Math.max(standing - 1, known);
    }
    if (!(isSource ? work.sourceWhole() : work.targetWhole())) {
      findings.unfinished(from.topic());
    }
    return standing;
  }

  private RowEdit edit(RowKey key, @Nullable Held put, @Nullable Held over) {
    return edit(work.touch(key), key, put, over);
  }

  private static RowEdit edit(
      Touched touched, RowKey key, @Nullable Held put, @Nullable Held over) {
    RecordRef ref = new RecordRef(touched.first(), touched.last());
    TargetRow row = put == null ? null : new TargetRow(key, put.values().toArray(String[]::new));
    Expected expected = over == null ? Expected.ABSENT : Expected.PRESENT;
    return new RowEdit(key, row, expected, null, ref, ref, touched.micros());
  }

  private void write(JdbcSide side, List<RowEdit> edits) throws SQLException {
    writing = side;
    findings.count(side.write(edits));
  }
}
