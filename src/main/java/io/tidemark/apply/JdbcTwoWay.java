package io.tidemark.apply;

import io.tidemark.apply.JdbcSide.Held;
import io.tidemark.apply.RowEdit.Expected;
import io.tidemark.apply.TwoWayChanges.Touched;
import io.tidemark.apply.TwoWayDecision.Action;
import io.tidemark.apply.TwoWayDecision.Event;
import io.tidemark.apply.TwoWayDecision.Outcome;
import io.tidemark.apply.TwoWayDecision.Side;
import io.tidemark.apply.TwoWaySql.Asked;
import io.tidemark.change.RowKey;
import io.tidemark.conflict.ConflictPolicy;
import io.tidemark.conflict.ConflictResolver;
import io.tidemark.conflict.Detected;
import io.tidemark.conflict.Later;
import io.tidemark.conflict.Verdict;
import io.tidemark.postgres.UniqueIndex;
import io.tidemark.sync.TableMapping;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Keeps two tables in step in both directions. What arrives of either side only says which rows
 * were touched; those are read on both sides, locked, compared, and whichever side is behind is
 * written.
 *
 * <p>INVARIANT: what is written follows from what both sides hold, not from what a change says. So
 * a change that is repeated after a crash, or that was overtaken, does no harm, and two rows that
 * were ever compared after their last change are equal or wait for a person.
 *
 * <p>INVARIANT: the position moves first, in the target's transaction, which ends last. Whoever
 * lost the position writes neither side; a crash between the two commits repeats the batch.
 */
final class JdbcTwoWay implements AutoCloseable {
  /** Keys of a truncated side are taken in parts of this size. */
  private static final int TRUNCATED_KEYS = 1000;

  /** Beyond it, what one transaction has written is not kept, but read again where it matters. */
  private static final int AHEAD_MAX = 50_000;

  private final JdbcSide source;
  private final JdbcSide target;
  private final TwoWayDecision decision;
  private final JdbcPositions positions;
  private final ApplyPorts ports;
  private final TwoWayConflicts records;
  private final List<String> keyColumns;
  private final Set<RowKey> waiting = new HashSet<>();

  /** Rows of the target that hold a unique value about which a person is asked. */
  private final Set<RowKey> heldBack = new HashSet<>();

  private final Map<RowKey, Compared> ahead = new HashMap<>();

  /** Up to which writes of each side a row was compared, ahead of what has arrived. */
  private record Compared(long sourceMicros, long targetMicros) {}

  /** Takes both sessions over. */
  JdbcTwoWay(
      Connection sourceSession,
      Connection targetSession,
      UUID configuration,
      TableMapping mapping,
      ConflictPolicy policy,
      JdbcPositions positions,
      ApplyPorts ports)
      throws SQLException {
    this.positions = positions;
    this.ports = ports;
    TableMapping back = mapping.reversed();
    int timestamp =
        policy
            .timestamp()
            .map(
                name ->
                    mapping.columns().stream()
                        .map(pair -> pair.target().name())
                        .toList()
                        .indexOf(name))
            .orElse(-1);
    source = new JdbcSide(sourceSession, configuration, back, timestamp);
    target = new JdbcSide(targetSession, configuration, mapping, timestamp);
    decision = new TwoWayDecision(new ConflictResolver(policy.strategy()));
    records = new TwoWayConflicts(mapping);
    keyColumns = mapping.targetKeyNames();
  }

  /** Reads which keys wait for a person; before the first batch and after somebody else's write. */
  void renew() {
    waiting.clear();
    waiting.addAll(ports.conflicts().waiting());
    heldBack.clear();
    heldBack.addAll(ports.conflicts().heldBack(keyColumns));
    ahead.clear();
  }

  /** Brings the touched rows in step; both sides and the positions, or nothing that counts. */
  Applied apply(TwoWayWork work) throws SQLException {
    while (true) {
      Attempt attempt = new Attempt(work);
      try {
        if (!positions.advance(target.session(), work.sourceFrom(), work.sourceTo())
            || !positions.advance(target.session(), work.targetFrom(), work.targetTo())) {
          rollback(null);
          return new Applied.Fenced();
        }
        attempt.bringInStep();
        Optional<Applied> applied = attempt.commit();
        if (applied.isPresent()) {
          return applied.get();
        }
      } catch (SQLException | RuntimeException e) {
        rollback(e);
        throw e;
      }
    }
  }

  private void rollback(@Nullable Exception cause) throws SQLException {
    for (JdbcSide side : List.of(source, target)) {
      try {
        side.session().rollback();
      } catch (SQLException e) {
        if (cause == null) {
          throw e;
        }
        cause.addSuppressed(e);
      }
    }
  }

  /** Fails if a session is gone: an idle one is not told. */
  void checkAlive() throws SQLException {
    source.checkAlive();
    target.checkAlive();
  }

  @Override
  public void close() throws SQLException {
    try (source) {
      target.close();
    }
  }

  /** One pair of transactions. */
  private final class Attempt {
    private final TwoWayWork work;
    private final List<Detected> conflicts = new ArrayList<>();
    private final List<ParkedRow> parked = new ArrayList<>();
    private final List<Later> later = new ArrayList<>();
    private final Set<RowKey> reviewed = new HashSet<>();
    private final Set<RowKey> held = new HashSet<>();
    private final Set<RowKey> skippedHeld = new HashSet<>();
    private final Map<RowKey, Compared> compared = new HashMap<>();
    private RowCounts counts = RowCounts.NONE;
    private @Nullable String unfinished;

    Attempt(TwoWayWork work) {
      this.work = work;
    }

    void bringInStep() throws SQLException {
      truncated(work.source(), target);
      truncated(work.target(), source);
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
          keys.stream()
              .filter(key -> changes.touched().putIfAbsent(key, truncate) == null)
              .toList();
      bringInStep(part);
      changes.touched().keySet().removeAll(part);
    }

    /** All at once, or, if a row is refused, each half of them, until it stands alone. */
    private void bringInStep(List<RowKey> keys) throws SQLException {
      if (keys.isEmpty()) {
        return;
      }
      Savepoints before = new Savepoints();
      Step step = new Step();
      try {
        step.run(keys);
        step.keep();
        return;
      } catch (SQLException e) {
        before.rollback(e);
        if (keys.size() == 1) {
          if (!settleUnique(keys.get(0), step.writing, e)) {
            park(keys.get(0), e);
          }
          return;
        }
      }
      bringInStep(keys.subList(0, keys.size() / 2));
      bringInStep(keys.subList(keys.size() / 2, keys.size()));
    }

    /** Where both transactions stand. */
    private final class Savepoints {
      private final Savepoint atSource = source.session().setSavepoint();
      private final Savepoint atTarget = target.session().setSavepoint();

      Savepoints() throws SQLException {}

      /** Goes back after a row was refused; any other failure goes on. */
      void rollback(SQLException failure) throws SQLException {
        if (PgRefusal.of(failure) != PgRefusal.ROW) {
          throw failure;
        }
        source.session().rollback(atSource);
        target.session().rollback(atTarget);
      }
    }

    /**
     * Settles that a side refuses the other's row because another row there holds a unique value of
     * it. If that row is merely behind, the other side's version of it takes its place; if its
     * users have given it the value, one of the two rows stands on both sides.
     *
     * @return whether it is settled, or waits for a person
     */
    private boolean settleUnique(RowKey key, JdbcSide refusing, SQLException refusal)
        throws SQLException {
      JdbcSide giving = refusing == target ? source : target;
      Optional<UniqueIndex> unique = refusing.violated(refusal);
      Held given = giving.look(List.of(new Asked(key, null))).get(key);
      if (unique.isEmpty() || given == null) {
        return false;
      }
      Optional<RowKey> holder = refusing.holder(unique.get(), key, given.values());
      if (holder.isEmpty()) {
        return false;
      }
      boolean isAsked = waiting.contains(holder.get()) || heldBack.contains(holder.get());
      if (giving == source && isAsked) {
        // The target's row waits for a person, about something else: it must not be written.
        return false;
      }
      Savepoints before = new Savepoints();
      Step step = new Step();
      try {
        step.settle(giving == source, key, holder.get(), unique.get().columns());
        step.keep();
        return true;
      } catch (SQLException e) {
        before.rollback(e);
        return false;
      }
    }

    private void park(RowKey key, SQLException refusal) {
      Touched touched = work.touch(key);
      parked.add(
          new ParkedRow(
              keyColumns,
              key,
              work.topicOf(key),
              0,
              touched.first(),
              touched.last(),
              refusal.getSQLState(),
              PgRefusal.describe(refusal)));
    }

    /** Keys that are written together. */
    private final class Step {
      private final List<RowEdit> intoSource = new ArrayList<>();
      private final List<RowEdit> intoTarget = new ArrayList<>();
      private final List<Detected> found = new ArrayList<>();
      private final List<Later> joined = new ArrayList<>();
      private final Map<RowKey, Compared> seen = new HashMap<>();
      private final List<RowKey> holding = new ArrayList<>();
      private RowCounts done = RowCounts.NONE;
      private JdbcSide writing = source;

      void run(List<RowKey> keys) throws SQLException {
        Map<RowKey, Held> atSource =
            source.look(keys.stream().map(key -> new Asked(key, null)).toList());
        Map<RowKey, Held> atTarget =
            target.look(
                keys.stream().map(key -> new Asked(key, values(atSource.get(key)))).toList());
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
        if (waiting.contains(sourceKey)
            || reviewed.contains(sourceKey)
            || held.contains(targetKey)) {
          // The other side of a pair that a person is asked about already.
          done = done.plus(RowCounts.skipped(1));
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
          Verdict verdict = decision.decideUnique(ofSource.timeMicros(), ofTarget.timeMicros());
          found.add(records.ofValue(key, sourceKey, ofSource, ofTarget, unique, verdict, work));
          if (verdict == Verdict.REVIEW) {
            holding.add(targetKey);
            done = done.plus(RowCounts.skipped(1));
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
          seen.put(one, new Compared(written(atSource.get(one)), written(atTarget.get(one))));
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
        if (waiting.contains(key)) {
          // Also for the target's change: it may be the decision itself, and the key wait no more.
          joined.add(new Later(key, records.row(source), work.positionOf(key)));
          done = done.plus(RowCounts.skipped(1));
          return;
        }
        if (heldBack.contains(key)) {
          // The decision about the other row of the pair lets it flow.
          skippedHeld.add(key);
          done = done.plus(RowCounts.skipped(1));
          return;
        }
        Outcome outcome =
            decision.decide(
                side(source, work.source(), work.sourceFrom(), key),
                side(target, work.target(), work.targetFrom(), key),
                target != null && !target.differs());
        if (outcome.conflict() != null) {
          found.add(records.ofKey(key, source, target, outcome, work));
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
          case NOTHING -> done = done.plus(RowCounts.unchanged(1));
          case WAIT -> done = done.plus(RowCounts.skipped(1));
        }
        boolean areEqual = outcome.action() == Action.NOTHING && source != null && target != null;
        if (areEqual || outcome.action().isInStep()) {
          seen.put(key, new Compared(written(source), written(target)));
        }
      }

      private long written(@Nullable Held held) {
        return held == null || held.ours() ? 0 : held.writtenMicros();
      }

      private Side side(
          @Nullable Held held, TwoWayChanges changes, AppliedPosition from, RowKey key) {
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
       * position are known. A row that it has written is known if it was compared since; else it
       * comes with this batch, or, as long as the transaction may go on behind the batch, later.
       */
      private long seenMicros(
          Held held,
          @Nullable Touched touched,
          boolean isSource,
          AppliedPosition from,
          RowKey key) {
        Compared earlier = ahead.get(key);
        long known =
            earlier == null ? 0 : isSource ? earlier.sourceMicros() : earlier.targetMicros();
        long standing = from.committedMicros();
        if (held.ours() || held.writtenMicros() != standing || known >= standing) {
          return Math.max(standing, known);
        }
        if (touched != null && touched.micros() == standing) {
          return Math.max(standing - 1, known);
        }
        if (!(isSource ? work.sourceWhole() : work.targetWhole())) {
          unfinished = from.topic();
        }
        return standing;
      }

      private RowEdit edit(RowKey key, @Nullable Held put, @Nullable Held over) {
        return edit(work.touch(key), key, put, over);
      }

      private static RowEdit edit(
          Touched touched, RowKey key, @Nullable Held put, @Nullable Held over) {
        RecordRef ref = new RecordRef(touched.first(), touched.last());
        TargetRow row =
            put == null ? null : new TargetRow(key, put.values().toArray(String[]::new));
        Expected expected = over == null ? Expected.ABSENT : Expected.PRESENT;
        return new RowEdit(key, row, expected, null, ref, ref, touched.micros());
      }

      private void write(JdbcSide side, List<RowEdit> edits) throws SQLException {
        writing = side;
        done = done.plus(side.write(edits));
      }

      void keep() {
        conflicts.addAll(found);
        later.addAll(joined);
        compared.putAll(seen);
        held.addAll(holding);
        counts = counts.plus(done);
        found.stream()
            .filter(one -> one.verdict() == Verdict.REVIEW)
            .forEach(one -> reviewed.add(one.rowKey()));
      }
    }

    /** Empty, and nothing is committed, if keys wait no more. */
    Optional<Applied> commit() throws SQLException {
      String topic = unfinished;
      if (topic != null) {
        rollback(null);
        return Optional.of(new Applied.Unfinished(topic));
      }
      if (!later.isEmpty()) {
        Set<RowKey> free = ports.conflicts().join(later);
        if (!free.isEmpty()) {
          rollback(null);
          waiting.removeAll(free);
          return Optional.empty();
        }
      }
      if (!skippedHeld.isEmpty()) {
        Set<RowKey> now = ports.conflicts().heldBack(keyColumns);
        if (!now.containsAll(skippedHeld)) {
          rollback(null);
          heldBack.clear();
          heldBack.addAll(now);
          return Optional.empty();
        }
      }
      // INVARIANT: written ahead. A crash between here and the commits finds the same again.
      ports.conflicts().record(List.copyOf(conflicts));
      if (!parked.isEmpty()) {
        ports.parked().park(List.copyOf(parked));
      }
      source.commit();
      target.commit();
      waiting.addAll(reviewed);
      heldBack.addAll(held);
      remember();
      long decided = conflicts.stream().filter(one -> one.verdict() != Verdict.REVIEW).count();
      return Optional.of(
          new Applied.Committed(
              counts
                  .plus(RowCounts.parked(parked.size()))
                  .plus(RowCounts.conflicts(conflicts.size(), decided))));
    }

    /**
     * Keeps what was compared ahead of what has arrived, until it has arrived, and what the
     * transactions have written in which the positions stand.
     */
    private void remember() {
      long source = work.sourceTo().committedMicros();
      long target = work.targetTo().committedMicros();
      ahead.putAll(compared);
      ahead.values().removeIf(one -> one.sourceMicros() < source && one.targetMicros() < target);
      if (ahead.size() > AHEAD_MAX) {
        ahead
            .values()
            .removeIf(one -> one.sourceMicros() <= source && one.targetMicros() <= target);
      }
    }
  }
}
