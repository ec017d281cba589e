package io.tidemark.apply;

import io.tidemark.apply.JdbcTableWriter.Ready;
import io.tidemark.apply.JdbcTableWriter.Written;
import io.tidemark.apply.JdbcUniqueValues.Unique;
import io.tidemark.change.RowKey;
import io.tidemark.conflict.Later;
import io.tidemark.conflict.Verdict;
import io.tidemark.postgres.UniqueIndex;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * One transaction of {@link JdbcApplier}: what it has written, found and parked so far. Given up by
 * rolling back and forgetting it.
 */
final class JdbcAttempt {
  /** A row takes each unique value from one holder at most, and a table has few constraints. */
  private static final int HOLDERS_MAX = 64;

  private final JdbcWriterSession session;
  private final Connection connection;
  private final JdbcWays ways;
  private final JdbcPositions positions;
  private final ApplyPorts ports;
  private final Set<RowKey> waiting;
  private final AppliedPosition from;
  private final AppliedPosition to;
  private final Findings findings;
  private final Map<RowKey, RowEdit> later = new LinkedHashMap<>();
  private final List<ParkedRow> parked = new ArrayList<>();
  private RowCounts counts = RowCounts.NONE;

  /**
   * @param waiting the keys that wait for a person; the attempt adds and removes some
   * @param from where the position stands
   * @param to where it stands once this is committed
   */
  JdbcAttempt(
      JdbcWriterSession session,
      JdbcWays ways,
      JdbcPositions positions,
      ApplyPorts ports,
      Set<RowKey> waiting,
      AppliedPosition from,
      AppliedPosition to) {
    this.session = session;
    connection = session.connection();
    this.ways = ways;
    this.positions = positions;
    this.ports = ports;
    this.waiting = waiting;
    this.from = from;
    this.to = to;
    findings =
        new Findings(to.topic(), to.partition(), waiting, ports.conflicts(), this::refusedAmong);
  }

  private Set<RowKey> refusedAmong(Collection<RowKey> keys) {
    Set<RowKey> refused = new HashSet<>(ports.parked().among(ways.keyColumns(), keys));
    parked.stream().map(ParkedRow::key).filter(keys::contains).forEach(refused::add);
    return refused;
  }

  /** Moves the position; false, and nothing is to be written, if somebody else did. */
  boolean begin() throws SQLException {
    if (positions.advance(connection, from, to)) {
      return true;
    }
    connection.rollback();
    return false;
  }

  /**
   * Writes what the guard lets through; false if that is not everything.
   *
   * @param steps the plan's
   */
  boolean writeGuarded(Batch.Plan plan, List<Ready> steps) throws SQLException {
    for (Ready step : steps) {
      Written written = ways.guarded().write(step);
      if (written.contested()) {
        return false;
      }
      counts = counts.plus(written.counts());
    }
    keep(plan.later());
    return true;
  }

  /** Looks, decides, and writes. */
  void write(Batch.Plan plan) throws SQLException {
    Findings branch = findings.branch();
    RowCounts written = RowCounts.NONE;
    for (Step step : plan.steps()) {
      written = written.plus(ways.looking().write(step, branch));
    }
    findings.take(branch);
    counts = counts.plus(written);
    keep(plan.later());
  }

  private void keep(List<RowEdit> edits) {
    edits.forEach(edit -> later.merge(edit.key(), edit, RowEdit::then));
    counts = counts.plus(RowCounts.skipped(edits.size()));
  }

  boolean hasConflicts() {
    return findings.counts().conflictsDetected() > 0;
  }

  /**
   * Tries the changes as one batch, else each half of them. Halves of single changes keep the
   * source's order, so a row is never blamed for what only its batch's compaction brought about (a
   * unique value handed from one row to another and back).
   */
  void writeByHalves(List<TopicChange> changes) throws SQLException {
    if (changes.size() == 1) {
      writeOrPark(changes.get(0));
      return;
    }
    Savepoint before = connection.setSavepoint();
    try {
      write(ways.plan(changes, waiting));
      checkDeferred();
      connection.releaseSavepoint(before);
      return;
    } catch (SQLException e) {
      goBack(before, e);
    }
    int middle = changes.size() / 2;
    writeByHalves(changes.subList(0, middle));
    writeByHalves(changes.subList(middle, changes.size()));
  }

  /** Writes one change, for which rows that hold unique values of it may have to give way. */
  private void writeOrPark(TopicChange change) throws SQLException {
    Batch.Plan plan = ways.plan(List.of(change), waiting);
    List<RowKey> gaveWay = new ArrayList<>();
    while (true) {
      Savepoint before = connection.setSavepoint();
      try {
        write(plan);
        putInstead(gaveWay, plan);
        checkDeferred();
        connection.releaseSavepoint(before);
        return;
      } catch (SQLException e) {
        goBack(before, e);
        Optional<Unique> unique =
            gaveWay.size() < HOLDERS_MAX ? decideUnique(plan, e, before) : Optional.empty();
        if (unique.isEmpty()) {
          park(change, e);
          putInstead(gaveWay, plan);
          return;
        }
        if (unique.get().verdict() != Verdict.APPLY) {
          return;
        }
        // The holder is gone from here on, also if the row is then refused for something else.
        gaveWay.add(unique.get().holder());
      }
    }
  }

  /** Goes back after a row was refused; any other failure goes on. */
  private void goBack(Savepoint before, SQLException failure) throws SQLException {
    if (!ways.isOfARow(failure)) {
      throw failure;
    }
    connection.rollback(before);
  }

  /** A constraint that waits for the commit would refuse the good rows with the bad one. */
  private void checkDeferred() throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute("set constraints all immediate; set constraints all deferred");
    }
  }

  /**
   * Empty if the refusal is not about a unique value that another row holds, or if that row cannot
   * give way because something refers to it: the change cannot be written then.
   */
  private Optional<Unique> decideUnique(Batch.Plan plan, SQLException refusal, Savepoint before)
      throws SQLException {
    if (plan.steps().size() != 1) {
      return Optional.empty();
    }
    Optional<RowEdit> edit = onlyEdit(plan.steps().get(0));
    Optional<UniqueIndex> unique = PgUniqueIndex.violated(connection, ways.mapping(), refusal);
    if (edit.isEmpty() || edit.get().isDeletion() || unique.isEmpty()) {
      return Optional.empty();
    }
    try {
      return Optional.ofNullable(ways.uniqueValues().decide(edit.get(), unique.get(), findings));
    } catch (SQLException e) {
      goBack(before, e);
      return Optional.empty();
    }
  }

  /** What has given way to the plan's one row becomes what the source has of it. */
  private void putInstead(List<RowKey> gaveWay, Batch.Plan plan) throws SQLException {
    for (RowKey gone : gaveWay) {
      ways.uniqueValues().putInstead(gone, onlyEdit(plan.steps().get(0)).orElseThrow());
    }
  }

  private static Optional<RowEdit> onlyEdit(Step step) {
    if (step instanceof Step.Rows rows && rows.edits().size() == 1) {
      return Optional.of(rows.edits().get(0));
    }
    return step instanceof Step.Moves moves && moves.moves().size() == 1
        ? Optional.of(moves.moves().get(0).edit())
        : Optional.empty();
  }

  private void park(TopicChange refused, SQLException refusal) throws SQLException {
    Optional<RowKey> key = ways.projection().keyOf(refused.change());
    if (key.isEmpty()) {
      // A truncate has no row to set aside; a person must see to what refuses it.
      throw refusal;
    }
    parked.add(
        new ParkedRow(
            ways.keyColumns(),
            key.get(),
            to.topic(),
            to.partition(),
            refused.offset(),
            refused.change().position(),
            refusal.getSQLState(),
            PgRefusal.describe(refusal)));
  }

  /** Empty, and nothing is committed, if keys wait no more whose changes were not written. */
  Optional<Applied> commit() throws SQLException {
    Set<RowKey> free =
        findings.record(
            later.values().stream()
                .map(
                    edit ->
                        new Later(edit.key(), ways.looking().source(edit), edit.last().position()))
                .toList());
    if (!free.isEmpty()) {
      connection.rollback();
      waiting.removeAll(free);
      return Optional.empty();
    }
    if (!parked.isEmpty()) {
      // INVARIANT: written ahead. A crash between here and the commit parks the same rows again.
      ports.parked().park(List.copyOf(parked));
    }
    session.commit();
    waiting.addAll(findings.reviewed());
    return Optional.of(
        new Applied.Committed(
            counts.plus(RowCounts.parked(parked.size())).plus(findings.counts())));
  }
}
