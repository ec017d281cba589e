package io.tidemark.apply;

import static java.util.stream.Collectors.toSet;

import io.tidemark.apply.JdbcTableWriter.Written;
import io.tidemark.apply.RowEdit.Expected;
import io.tidemark.change.Row;
import io.tidemark.change.RowKey;
import io.tidemark.change.RowShape;
import io.tidemark.conflict.Age;
import io.tidemark.conflict.ConflictPolicy;
import io.tidemark.conflict.ConflictResolver;
import io.tidemark.conflict.ConflictType;
import io.tidemark.conflict.Verdict;
import io.tidemark.sync.TableMapping;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Writes steps that meet what others have written: looks at the target's rows and locks them,
 * decides by the policy, and then writes what may be written. Slower than {@link JdbcTableWriter},
 * which is tried first.
 *
 * <p>INVARIANT: a row is written only as it was looked at. It is locked in between, and one that
 * was not there is inserted only if it is still not there.
 */
final class JdbcConflictWriter {
  /** Rows fetched at a time where a TRUNCATE meets the rows of others. */
  private static final int FETCH_ROWS = 500;

  private final JdbcStatements statements;
  private final LookSql look;
  private final JdbcTableWriter locked;
  private final ConflictPolicy policy;
  private final ConflictResolver resolver;
  private final NewestRows newest;
  private final OneWayConflicts records;
  private final JdbcUniqueValues uniqueValues;
  private final RowShape shape;
  private final Guard guard;

  JdbcConflictWriter(
      JdbcStatements statements,
      TableMapping mapping,
      Guard guard,
      ConflictPolicy policy,
      NewestRows newest)
      throws SQLException {
    this.statements = statements;
    this.guard = guard;
    this.policy = policy;
    this.newest = newest;
    look = new LookSql(mapping, guard, policy);
    locked = new JdbcTableWriter(statements, mapping, Guard.locked());
    resolver = new ConflictResolver(policy.strategy());
    records = new OneWayConflicts(mapping);
    uniqueValues = new JdbcUniqueValues(statements, mapping, look, locked, resolver, newest);
    shape = mapping.targetShape();
  }

  /** What decides where one row holds a unique value of another. */
  JdbcUniqueValues uniqueValues() {
    return uniqueValues;
  }

  /** The row that an edit puts, in the target's column names. */
  @Nullable Row source(RowEdit edit) {
    return records.source(edit);
  }

  /** Writes one step; conflicts go into the findings. */
  RowCounts write(Step step, Findings findings) throws SQLException {
    if (step instanceof Step.Rows rows) {
      return writeRows(rows.edits(), findings);
    }
    if (step instanceof Step.Moves moves) {
      return writeMoves(moves.moves(), findings);
    }
    return truncate((Step.Truncate) step, findings);
  }

  private RowCounts writeRows(List<RowEdit> all, Findings findings) throws SQLException {
    List<RowEdit> edits = new ArrayList<>(all.size());
    long joined = 0;
    for (RowEdit edit : all) {
      if (findings.join(edit, source(edit))) {
        joined++;
      } else {
        edits.add(edit);
      }
    }
    Map<Integer, JdbcSeen> seen = look(edits);
    Decisions decisions = new Decisions(findings);
    for (int i = 0; i < edits.size(); i++) {
      decisions.take(edits.get(i), seen.get(i));
    }
    return decisions.write().plus(RowCounts.skipped(joined));
  }

  private Map<Integer, JdbcSeen> look(List<RowEdit> edits) throws SQLException {
    Map<Integer, JdbcSeen> seen = new HashMap<>();
    if (edits.isEmpty()) {
      return seen;
    }
    ApplySql.Found<RowEdit> sql = look.look();
    PreparedStatement statement = statements.prepare(sql.text());
    sql.items().bind(statement, 1, edits);
    try (ResultSet row = statement.executeQuery()) {
      while (row.next()) {
        seen.put(row.getInt(1), JdbcSeen.read(row));
      }
    }
    return seen;
  }

  /** What is to be written of a list of edits that were looked at. */
  private final class Decisions {
    private final Findings findings;
    private final List<RowEdit> writes = new ArrayList<>();
    private final List<RowEdit> missing = new ArrayList<>();
    private final List<RowEdit> incomplete = new ArrayList<>();
    private long unchanged;
    private long skipped;

    Decisions(Findings findings) {
      this.findings = findings;
    }

    void take(RowEdit edit, @Nullable JdbcSeen seen) {
      if (seen == null) {
        missing.add(edit);
      } else if (!seen.foreign()) {
        writes.add(edit.expecting(Expected.PRESENT));
      } else if (seen.isEqual()) {
        unchanged++;
      } else {
        takeForeign(edit, seen);
      }
    }

    /** A row that was set aside when it came is missing through nobody else. */
    private void takeMissing() {
      Set<RowKey> refused =
          findings.refusedAmong(
              missing.stream()
                  .filter(edit -> edit.expected() == Expected.PRESENT)
                  .map(RowEdit::key)
                  .collect(toSet()));
      for (RowEdit edit : missing) {
        if (edit.expected() != Expected.PRESENT || refused.contains(edit.key())) {
          insert(edit);
        } else {
          decideMissing(edit);
        }
      }
    }

    private void decideMissing(RowEdit edit) {
      ConflictType type =
          edit.isDeletion() ? ConflictType.DELETE_MISSING : ConflictType.UPDATE_MISSING;
      if (decide(type, edit, null) == Verdict.APPLY) {
        insert(edit);
      } else {
        skipped++;
      }
    }

    private void insert(RowEdit edit) {
      if (edit.isDeletion()) {
        unchanged++;
      } else if (edit.put().isComplete()) {
        writes.add(edit.expecting(Expected.ABSENT));
      } else {
        incomplete.add(edit);
      }
    }

    private void takeForeign(RowEdit edit, JdbcSeen seen) {
      RowEdit combined = policy.combinesColumns() ? combined(edit, seen) : null;
      if (combined != null) {
        writes.add(combined);
        return;
      }
      ConflictType type =
          edit.isDeletion()
              ? ConflictType.DELETE_ORIGIN_DIFFERS
              : edit.expected() == Expected.ABSENT
                  ? ConflictType.INSERT_EXISTS
                  : ConflictType.UPDATE_ORIGIN_DIFFERS;
      if (decide(type, edit, seen) == Verdict.APPLY) {
        writes.add(edit.expecting(Expected.PRESENT));
      } else {
        skipped++;
      }
    }

    private Verdict decide(ConflictType type, RowEdit edit, @Nullable JdbcSeen seen) {
      Verdict verdict = resolver.decide(type, seen == null ? Age.UNKNOWN : seen.age());
      findings.add(records.ofKey(type, edit, seen, verdict, findings));
      return verdict;
    }

    RowCounts write() throws SQLException {
      takeMissing();
      completeFromSource();
      Written written = locked.writeRows(writes);
      if (written.contested()) {
        throw heldBack(writes);
      }
      return written.counts().plus(RowCounts.unchanged(unchanged)).plus(RowCounts.skipped(skipped));
    }

    /** A row that is not there cannot keep the values that were not sent: the source has them. */
    private void completeFromSource() {
      if (incomplete.isEmpty()) {
        return;
      }
      Map<RowKey, Row> rows = newest.of(incomplete.stream().map(RowEdit::key).toList());
      for (RowEdit edit : incomplete) {
        Row row = rows.get(edit.key());
        if (row == null) {
          // Deleted since, which a later change says.
          skipped++;
          continue;
        }
        writes.add(edit.putting(row, shape));
      }
    }
  }

  /**
   * The edit of the columns that only the source changed, if no column was changed on both sides.
   */
  private @Nullable RowEdit combined(RowEdit edit, JdbcSeen seen) {
    @Nullable String[] base = edit.base();
    if (base == null || edit.isDeletion() || seen.changedThere().isEmpty()) {
      return null;
    }
    @Nullable String[] values = edit.put().values().clone();
    for (int i = 0; i < values.length; i++) {
      boolean changedHere = values[i] != Row.ABSENT && !Objects.equals(values[i], base[i]);
      if (changedHere && seen.changedThere().get(i) && seen.differs().get(i)) {
        return null;
      }
      if (!changedHere) {
        values[i] = Row.ABSENT;
      }
    }
    return edit.with(new TargetRow(edit.key(), values), Expected.PRESENT);
  }

  private RowCounts writeMoves(List<Step.Move> moves, Findings findings) throws SQLException {
    List<RowEdit> byOldKey = moves.stream().map(Step.Move::ofOldKey).toList();
    Map<Integer, JdbcSeen> seen = look(byOldKey);
    Set<RowKey> refused =
        findings.refusedAmong(
            IntStream.range(0, moves.size())
                .filter(i -> !seen.containsKey(i))
                .mapToObj(i -> moves.get(i).oldKey())
                .collect(toSet()));
    List<Step.Move> toMove = new ArrayList<>();
    List<RowEdit> toPut = new ArrayList<>();
    long skipped = 0;
    for (int i = 0; i < moves.size(); i++) {
      JdbcSeen there = seen.get(i);
      RowEdit old = byOldKey.get(i);
      Verdict verdict = Verdict.APPLY;
      boolean isSure = moves.get(i).edit().expected() != Expected.UNKNOWN;
      if (there == null && isSure && !refused.contains(old.key())) {
        verdict = resolver.decide(ConflictType.UPDATE_MISSING, Age.UNKNOWN);
        findings.add(records.ofKey(ConflictType.UPDATE_MISSING, old, null, verdict, findings));
      } else if (there != null && there.foreign()) {
        verdict = resolver.decide(ConflictType.UPDATE_ORIGIN_DIFFERS, there.age());
        findings.add(
            records.ofKey(ConflictType.UPDATE_ORIGIN_DIFFERS, old, there, verdict, findings));
      }
      if (verdict != Verdict.APPLY) {
        skipped++;
      } else if (there == null) {
        toPut.add(moves.get(i).edit().expecting(Expected.ABSENT));
      } else {
        toMove.add(moves.get(i));
      }
    }
    RowCounts counts = RowCounts.skipped(skipped);
    if (!toMove.isEmpty()) {
      Written written = locked.write(new Step.Moves(toMove));
      if (written.contested()) {
        throw PgRefusal.leftOut();
      }
      counts = counts.plus(written.counts());
    }
    return toPut.isEmpty() ? counts : counts.plus(writeRows(toPut, findings));
  }

  /** Empties the table but for the rows of others that the verdict keeps, and of spared keys. */
  private RowCounts truncate(Step.Truncate step, Findings findings) throws SQLException {
    List<RowKey> spared = List.copyOf(findings.waiting());
    try (Statement lock = statements.connection().createStatement()) {
      lock.execute(look.lockTable());
    }
    long skipped = 0;
    if (!guard.foreignToTruncate().isEmpty()) {
      PreparedStatement foreign = statements.prepare(look.foreignToTruncate());
      foreign.setFetchSize(FETCH_ROWS);
      foreign.setLong(1, step.committedMicros());
      look.spared().bind(foreign, 2, spared);
      try (ResultSet row = foreign.executeQuery()) {
        while (row.next()) {
          JdbcSeen seen = JdbcSeen.foreign(row, 1);
          Verdict verdict = resolver.decide(ConflictType.DELETE_ORIGIN_DIFFERS, seen.age());
          findings.add(records.ofTruncate(step, seen, verdict, findings));
          skipped += verdict == Verdict.APPLY ? 0 : 1;
        }
      }
    }
    PreparedStatement delete = statements.prepare(look.truncate(taken()));
    delete.setLong(1, step.committedMicros());
    look.spared().bind(delete, 2, spared);
    return RowCounts.written(0, 0, delete.executeLargeUpdate()).plus(RowCounts.skipped(skipped));
  }

  private LookSql.Taken taken() {
    return switch (policy.strategy()) {
      case SOURCE_WINS -> LookSql.Taken.ALL;
      case TIMESTAMP -> LookSql.Taken.OWN_AND_OLDER;
      case TARGET_WINS, MANUAL -> LookSql.Taken.OWN;
    };
  }

  /**
   * Why rows that were looked at, and locked if they were there, were not all written: nobody but a
   * trigger can keep back one that is locked, nor one that is still not there. Only a new row may
   * have been overtaken.
   */
  private SQLException heldBack(List<RowEdit> edits) throws SQLException {
    Map<Integer, JdbcSeen> now = look(edits);
    boolean overtaken = false;
    for (int i = 0; i < edits.size(); i++) {
      RowEdit edit = edits.get(i);
      if (edit.isDeletion() == now.containsKey(i)) {
        return PgRefusal.leftOut();
      }
      JdbcSeen there = now.get(i);
      overtaken |=
          there != null
              && edit.expected() == Expected.ABSENT
              && there.foreign()
              && !there.isEqual();
    }
    return overtaken ? PgRefusal.overtaken() : PgRefusal.leftOut();
  }
}
