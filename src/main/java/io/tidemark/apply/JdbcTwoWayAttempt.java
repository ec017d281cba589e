package io.tidemark.apply;

import io.tidemark.apply.JdbcBothSides.Savepoints;
import io.tidemark.apply.JdbcSide.Held;
import io.tidemark.apply.TwoWayChanges.Touched;
import io.tidemark.apply.TwoWaySql.Asked;
import io.tidemark.change.RowKey;
import io.tidemark.conflict.Later;
import io.tidemark.postgres.UniqueIndex;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** One pair of transactions of {@link JdbcTwoWay}: what it has written, found and parked so far. */
final class JdbcTwoWayAttempt {
  /** Keys of a truncated side are taken in parts of this size. */
  private static final int TRUNCATED_KEYS = 1000;

  private final JdbcBothSides sides;
  private final TwoWayDecision rules;
  private final TwoWayConflicts records;
  private final TwoWayMemory memory;
  private final ApplyPorts ports;
  private final TwoWayWork work;
  private final TwoWayFindings findings = new TwoWayFindings();
  private final List<ParkedRow> parked = new ArrayList<>();

  JdbcTwoWayAttempt(
      JdbcBothSides sides,
      TwoWayDecision rules,
      TwoWayConflicts records,
      TwoWayMemory memory,
      ApplyPorts ports,
      TwoWayWork work) {
    this.sides = sides;
    this.rules = rules;
    this.records = records;
    this.memory = memory;
    this.ports = ports;
    this.work = work;
  }

  /** Brings the rows in step that the work is about. */
  void bringInStep() throws SQLException {
    truncated(work.source(), sides.target());
    truncated(work.target(), sides.source());
    Set<RowKey> keys = new LinkedHashSet<>(work.source().touched().keySet());
    keys.addAll(work.target().touched().keySet());
    bringInStep(List.copyOf(keys));
  }

  /** A TRUNCATE touches every row that the other side has; they are taken in parts. */
  private void truncated(TwoWayChanges changes, JdbcSide other) throws SQLException {
    for (Touched truncate : changes.truncates()) {
      other.keys(TRUNCATED_KEYS, keys -> takePart(changes, keys, truncate));
    }
  }

  private void takePart(TwoWayChanges changes, List<RowKey> keys, Touched truncate)
      throws SQLException {
    // A key with changes of its own is taken with them.
    List<RowKey> part =
        keys.stream().filter(key -> changes.touched().putIfAbsent(key, truncate) == null).toList();
    bringInStep(part);
    changes.touched().keySet().removeAll(part);
  }

  /** All at once, or, if a row is refused, each half of them, until it stands alone. */
  private void bringInStep(List<RowKey> keys) throws SQLException {
    if (keys.isEmpty()) {
      return;
    }
    Savepoints before = sides.setSavepoints();
    JdbcTwoWayStep step = step();
    try {
      step.run(keys);
      findings.take(step.findings());
      return;
    } catch (SQLException e) {
      before.goBack(e);
      findings.takeUnfinished(step.findings());
      if (keys.size() == 1) {
        if (!settleUnique(keys.get(0), step.writing(), e)) {
          park(keys.get(0), e);
        }
        return;
      }
    }
    bringInStep(keys.subList(0, keys.size() / 2));
    bringInStep(keys.subList(keys.size() / 2, keys.size()));
  }

  /**
   * Settles that a side refuses the other's row because another row there holds a unique value of
   * it. If that row is merely behind, the other side's version of it takes its place; if its users
   * have given it the value, one of the two rows stands on both sides.
   *
   * @return whether it is settled, or waits for a person
   */
  private boolean settleUnique(RowKey key, JdbcSide refusing, SQLException refusal)
      throws SQLException {
    JdbcSide giving = sides.other(refusing);
    boolean givesSource = giving == sides.source();
    Optional<UniqueIndex> unique = refusing.violated(refusal);
    Held given = giving.look(List.of(new Asked(key, null))).get(key);
    if (unique.isEmpty() || given == null) {
      return false;
    }
    Optional<RowKey> holder = refusing.holder(unique.get(), key, given.values());
    if (holder.isEmpty()) {
      return false;
    }
    boolean isAsked = memory.isWaiting(holder.get()) || memory.isHeldBack(holder.get());
    if (givesSource && isAsked) {
      // The target's row waits for a person, about something else: it must not be written.
      return false;
    }
    Savepoints before = sides.setSavepoints();
    JdbcTwoWayStep step = step();
    try {
      step.settle(givesSource, key, holder.get(), unique.get().columns());
      findings.take(step.findings());
      return true;
    } catch (SQLException e) {
      before.goBack(e);
      findings.takeUnfinished(step.findings());
      return false;
    }
  }

  private void park(RowKey key, SQLException refusal) {
    Touched touched = work.touch(key);
    parked.add(
        new ParkedRow(
            records.keyColumns(),
            key,
            work.topicOf(key),
            0,
            touched.first(),
            touched.last(),
            refusal.getSQLState(),
            PgRefusal.describe(refusal)));
  }

  private JdbcTwoWayStep step() {
    return new JdbcTwoWayStep(sides, rules, records, memory, work, findings);
  }

  /** Empty, and nothing is committed, if keys wait no more. */
  Optional<Applied> commit() throws SQLException {
    Optional<String> unfinished = findings.unfinished();
    if (unfinished.isPresent()) {
      sides.rollback(null);
      return Optional.of(new Applied.Unfinished(unfinished.get()));
    }
    if (!areStillWaiting(findings.later()) || !memory.areStillHeldBack(findings.skippedHeld())) {
      sides.rollback(null);
      return Optional.empty();
    }
    // INVARIANT: written ahead. A crash between here and the commits finds the same again.
    ports.conflicts().record(findings.conflicts());
    if (!parked.isEmpty()) {
      ports.parked().park(List.copyOf(parked));
    }
    sides.commit();
    memory.keep(findings, work);
    return Optional.of(
        new Applied.Committed(findings.counts().plus(RowCounts.parked(parked.size()))));
  }

  private boolean areStillWaiting(List<Later> later) {
    if (later.isEmpty()) {
      return true;
    }
    Set<RowKey> free = ports.conflicts().join(later);
    memory.free(free);
    return free.isEmpty();
  }
}
