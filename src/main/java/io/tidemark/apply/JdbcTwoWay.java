package io.tidemark.apply;

import io.tidemark.apply.JdbcTableWriter.Written;
import io.tidemark.apply.RowEdit.Expected;
import io.tidemark.apply.TwoWayChanges.Touched;
import io.tidemark.apply.TwoWayDecision.Action;
import io.tidemark.apply.TwoWayDecision.Event;
import io.tidemark.apply.TwoWayDecision.Outcome;
import io.tidemark.apply.TwoWayDecision.Side;
import io.tidemark.apply.TwoWaySql.Asked;
import io.tidemark.change.Row;
import io.tidemark.change.RowKey;
import io.tidemark.change.RowShape;
import io.tidemark.change.SourcePosition;
import io.tidemark.conflict.ConflictPolicy;
import io.tidemark.conflict.ConflictResolver;
import io.tidemark.conflict.Detected;
import io.tidemark.conflict.Later;
import io.tidemark.conflict.Place;
import io.tidemark.conflict.Verdict;
import io.tidemark.postgres.PgOrigins;
import io.tidemark.sync.TableMapping;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
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
  /** How long a server is given to say that it is alive. */
  private static final int ALIVE_SECONDS = 5;

  private static final String TRY_AGAIN = "40001";

  /** Keys of a truncated side are taken in parts of this size. */
  private static final int TRUNCATED_KEYS = 1000;

  private final Connection sourceSession;
  private final Connection targetSession;
  private final JdbcStatements sourceStatements;
  private final JdbcStatements targetStatements;
  private final JdbcTableWriter toSource;
  private final JdbcTableWriter toTarget;
  private final TwoWaySql atSource;
  private final TwoWaySql atTarget;
  private final TwoWayDecision decision;
  private final JdbcPositions positions;
  private final ApplyPorts ports;
  private final RowShape shape;
  private final RowShape keyShape;
  private final List<String> keyColumns;
  private final Set<RowKey> waiting = new HashSet<>();
  private final Map<RowKey, Compared> ahead = new HashMap<>();

  /** Up to which writes of each side a row was compared, ahead of what has arrived. */
  private record Compared(long sourceMicros, long targetMicros) {}

  /** A batch of both sides' changes and what it moves. */
  record Work(
      TwoWayChanges source,
      TwoWayChanges target,
      AppliedPosition sourceFrom,
      AppliedPosition sourceTo,
      AppliedPosition targetFrom,
      AppliedPosition targetTo) {}

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
    this.sourceSession = sourceSession;
    this.targetSession = targetSession;
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
    atSource = new TwoWaySql(back, timestamp, prepared(sourceSession, configuration));
    atTarget = new TwoWaySql(mapping, timestamp, prepared(targetSession, configuration));
    sourceStatements = new JdbcStatements(sourceSession);
    targetStatements = new JdbcStatements(targetSession);
    toSource = new JdbcTableWriter(sourceStatements, back, Guard.locked());
    toTarget = new JdbcTableWriter(targetStatements, mapping, Guard.locked());
    decision = new TwoWayDecision(new ConflictResolver(policy.strategy()));
    shape = JdbcConflictWriter.shape(mapping.columns());
    keyShape = JdbcConflictWriter.shape(mapping.key());
    keyColumns = mapping.key().stream().map(pair -> pair.target().name()).toList();
  }

  private static List<Long> prepared(Connection session, UUID configuration) throws SQLException {
    JdbcApplier.prepareSession(session);
    List<Long> origins = PgOrigins.take(session, configuration);
    session.setAutoCommit(false);
    return origins;
  }

  /** Reads which keys wait for a person; before the first batch and after somebody else's write. */
  void renew() {
    waiting.clear();
    waiting.addAll(ports.conflicts().waiting());
    ahead.clear();
  }

  /** Brings the touched rows in step; both sides and the positions, or nothing that counts. */
  Applied apply(Work work) throws SQLException {
    while (true) {
      Attempt attempt = new Attempt(work);
      try {
        if (!positions.advance(targetSession, work.sourceFrom(), work.sourceTo())
            || !positions.advance(targetSession, work.targetFrom(), work.targetTo())) {
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
    for (Connection session : List.of(sourceSession, targetSession)) {
      try {
        session.rollback();
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
    for (Connection session : List.of(sourceSession, targetSession)) {
      if (!session.isValid(ALIVE_SECONDS)) {
        throw new SQLException("the session is gone", "08006");
      }
      session.rollback();
    }
  }

  @Override
  public void close() throws SQLException {
    try {
      sourceSession.close();
    } finally {
      targetSession.close();
    }
  }

  /** One row as a side holds it. */
  private record Held(
      List<@Nullable String> values,
      boolean ours,
      long writtenMicros,
      @Nullable Long timeMicros,
      boolean differs) {}

  private static Map<RowKey, Held> look(JdbcStatements statements, TwoWaySql sql, List<Asked> asked)
      throws SQLException {
    Map<RowKey, Held> held = new HashMap<>();
    if (asked.isEmpty()) {
      return held;
    }
    ApplySql.Found<Asked> look = sql.look();
    PreparedStatement statement = statements.prepare(look.text());
    look.items().bind(statement, 1, asked);
    try (ResultSet row = statement.executeQuery()) {
      while (row.next()) {
        held.put(
            asked.get(row.getInt(1)).key(),
            new Held(
                Arrays.asList((@Nullable String[]) row.getArray(2).getArray()),
                row.getBoolean(3),
                row.getLong(4),
                row.getObject(5, Long.class),
                row.getBoolean(6)));
      }
    }
    return held;
  }

  /** One pair of transactions. */
  private final class Attempt {
    private final Work work;
    private final List<Detected> conflicts = new ArrayList<>();
    private final List<ParkedRow> parked = new ArrayList<>();
    private final List<Later> later = new ArrayList<>();
    private final Set<RowKey> reviewed = new HashSet<>();
    private final Map<RowKey, Compared> compared = new HashMap<>();
    private RowCounts counts = RowCounts.NONE;

    Attempt(Work work) {
      this.work = work;
    }

    void bringInStep() throws SQLException {
      truncated(work.source(), targetStatements, atTarget);
      truncated(work.target(), sourceStatements, atSource);
      Set<RowKey> keys = new LinkedHashSet<>(work.source().touched().keySet());
      keys.addAll(work.target().touched().keySet());
      bringInStep(List.copyOf(keys));
    }

    /** A TRUNCATE touches every row that the other side has; they are taken in parts. */
    private void truncated(TwoWayChanges changes, JdbcStatements other, TwoWaySql sql)
        throws SQLException {
      for (Touched truncate : changes.truncates()) {
        try (Statement statement = other.connection().createStatement()) {
          statement.setFetchSize(TRUNCATED_KEYS);
          try (ResultSet row = statement.executeQuery(sql.keys())) {
            List<RowKey> part = new ArrayList<>();
            while (row.next()) {
              RowKey key = RowKey.of((String[]) row.getArray(1).getArray());
              // A key with changes of its own is taken with them.
              if (changes.touched().putIfAbsent(key, truncate) == null) {
                part.add(key);
              }
              if (part.size() == TRUNCATED_KEYS) {
                takePart(changes, part);
              }
            }
            takePart(changes, part);
          }
        }
      }
    }

    private void takePart(TwoWayChanges changes, List<RowKey> part) throws SQLException {
      bringInStep(List.copyOf(part));
      changes.touched().keySet().removeAll(part);
      part.clear();
    }

    /** All at once, or, if a row is refused, each half of them, until it stands alone. */
    private void bringInStep(List<RowKey> keys) throws SQLException {
      if (keys.isEmpty()) {
        return;
      }
      Savepoint source = sourceSession.setSavepoint();
      Savepoint target = targetSession.setSavepoint();
      Step step = new Step();
      try {
        step.run(keys);
        step.keep();
        return;
      } catch (SQLException e) {
        if (PgRefusal.of(e) != PgRefusal.ROW) {
          throw e;
        }
        sourceSession.rollback(source);
        targetSession.rollback(target);
        if (keys.size() == 1) {
          park(keys.get(0), e);
          return;
        }
      }
      bringInStep(keys.subList(0, keys.size() / 2));
      bringInStep(keys.subList(keys.size() / 2, keys.size()));
    }

    private void park(RowKey key, SQLException refusal) {
      Touched touched = anyTouch(key);
      parked.add(
          new ParkedRow(
              keyColumns,
              key,
              topicOf(key),
              0,
              touched.first(),
              touched.last(),
              refusal.getSQLState(),
              PgRefusal.describe(refusal)));
    }

    private String topicOf(RowKey key) {
      return work.source().touched().containsKey(key)
          ? work.sourceTo().topic()
          : work.targetTo().topic();
    }

    private Touched anyTouch(RowKey key) {
      Touched there = work.source().touched().get(key);
      return there == null ? work.target().touched().get(key) : there;
    }

    /** Keys that are written together. */
    private final class Step {
      private final List<RowEdit> intoSource = new ArrayList<>();
      private final List<RowEdit> intoTarget = new ArrayList<>();
      private final List<Detected> found = new ArrayList<>();
      private final List<Later> joined = new ArrayList<>();
      private final Map<RowKey, Compared> seen = new HashMap<>();
      private RowCounts done = RowCounts.NONE;

      void run(List<RowKey> keys) throws SQLException {
        Map<RowKey, Held> source =
            look(
                sourceStatements,
                atSource,
                keys.stream().map(key -> new Asked(key, null)).toList());
        Map<RowKey, Held> target =
            look(
                targetStatements,
                atTarget,
                keys.stream().map(key -> new Asked(key, values(source.get(key)))).toList());
        for (RowKey key : keys) {
          take(key, source.get(key), target.get(key));
        }
        write(sourceStatements, toSource, intoSource);
        write(targetStatements, toTarget, intoTarget);
      }

      private static @Nullable List<@Nullable String> values(@Nullable Held held) {
        return held == null ? null : held.values();
      }

      private void take(RowKey key, @Nullable Held source, @Nullable Held target) {
        if (waiting.contains(key)) {
          // Also for the target's change: it may be the decision itself, and the key wait no more.
          Touched change = work.source().touched().get(key);
          joined.add(
              new Later(key, row(source), change == null ? SourcePosition.START : change.last()));
          done = done.plus(RowCounts.skipped(1));
          return;
        }
        Outcome outcome =
            decision.decide(
                side(source, work.source(), work.sourceFrom(), key),
                side(target, work.target(), work.targetFrom(), key),
                target != null && !target.differs());
        if (outcome.conflict() != null) {
          found.add(detected(key, source, target, outcome));
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
        long deleted = touched == null ? 0 : touched.deletedMicros();
        Compared earlier = ahead.get(key);
        long known =
            earlier == null
                ? 0
                : changes == work.source() ? earlier.sourceMicros() : earlier.targetMicros();
        long seenMicros = Math.max(from.committedMicros(), known);
        return held == null
            ? new Side(false, false, 0, null, seenMicros, event, deleted)
            : new Side(
                true,
                held.ours(),
                held.writtenMicros(),
                held.timeMicros(),
                seenMicros,
                event,
                deleted);
      }

      private RowEdit edit(RowKey key, @Nullable Held put, @Nullable Held over) {
        Touched touched = anyTouch(key);
        RecordRef ref = new RecordRef(touched.first(), touched.last());
        TargetRow row =
            put == null ? null : new TargetRow(key, put.values().toArray(String[]::new));
        Expected expected = over == null ? Expected.ABSENT : Expected.PRESENT;
        return new RowEdit(key, row, expected, null, ref, ref, touched.deletedMicros());
      }

      private void write(JdbcStatements statements, JdbcTableWriter writer, List<RowEdit> edits)
          throws SQLException {
        Written written = writer.writeRows(edits);
        if (written.contested()) {
          throw new SQLException("a row came or went between look and write", TRY_AGAIN);
        }
        done = done.plus(written.counts());
      }

      private Detected detected(
          RowKey key, @Nullable Held source, @Nullable Held target, Outcome outcome) {
        Touched touched = anyTouch(key);
        SourcePosition position =
            work.source().touched().containsKey(key) ? touched.last() : SourcePosition.START;
        Verdict verdict = outcome.verdict() == null ? Verdict.REVIEW : outcome.verdict();
        return new Detected(
            java.util.Objects.requireNonNull(outcome.conflict()),
            Row.of(keyShape, key.values().toArray(String[]::new)),
            new Place(topicOf(key), 0, touched.first()),
            position,
            row(source),
            row(target),
            null,
            differing(source, target),
            verdict);
      }

      private @Nullable Row row(@Nullable Held held) {
        return held == null ? null : Row.of(shape, held.values().toArray(String[]::new));
      }

      private List<String> differing(@Nullable Held source, @Nullable Held target) {
        if (source == null || target == null) {
          return List.of();
        }
        List<String> names = new ArrayList<>();
        for (int i = 0; i < shape.size(); i++) {
          if (!java.util.Objects.equals(source.values().get(i), target.values().get(i))) {
            names.add(shape.column(i));
          }
        }
        return names;
      }

      void keep() {
        conflicts.addAll(found);
        later.addAll(joined);
        compared.putAll(seen);
        counts = counts.plus(done);
        found.stream()
            .filter(one -> one.verdict() == Verdict.REVIEW)
            .forEach(one -> reviewed.add(one.rowKey()));
      }
    }

    /** Empty, and nothing is committed, if keys wait no more. */
    Optional<Applied> commit() throws SQLException {
      if (!later.isEmpty()) {
        Set<RowKey> free = ports.conflicts().join(later);
        if (!free.isEmpty()) {
          rollback(null);
          waiting.removeAll(free);
          return Optional.empty();
        }
      }
      // INVARIANT: written ahead. A crash between here and the commits finds the same again.
      ports.conflicts().record(List.copyOf(conflicts));
      if (!parked.isEmpty()) {
        ports.parked().park(List.copyOf(parked));
      }
      PgOrigins.commit(sourceSession);
      PgOrigins.commit(targetSession);
      waiting.addAll(reviewed);
      remember();
      long decided = conflicts.stream().filter(one -> one.verdict() != Verdict.REVIEW).count();
      return Optional.of(
          new Applied.Committed(
              counts
                  .plus(RowCounts.parked(parked.size()))
                  .plus(RowCounts.conflicts(conflicts.size(), decided))));
    }

    /** Keeps what was compared ahead of what has arrived, until it has arrived. */
    private void remember() {
      long source = work.sourceTo().committedMicros();
      long target = work.targetTo().committedMicros();
      ahead.putAll(compared);
      ahead.values().removeIf(one -> one.sourceMicros() <= source && one.targetMicros() <= target);
    }
  }
}
