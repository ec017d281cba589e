package io.tidemark.apply;

import io.tidemark.apply.JdbcConflictWriter.Unique;
import io.tidemark.apply.JdbcTableWriter.Written;
import io.tidemark.change.RowKey;
import io.tidemark.conflict.ConflictDetection;
import io.tidemark.conflict.ConflictPolicy;
import io.tidemark.conflict.Later;
import io.tidemark.conflict.Verdict;
import io.tidemark.postgres.PgOrigins;
import io.tidemark.postgres.Sql;
import io.tidemark.postgres.TextForm;
import io.tidemark.postgres.UniqueIndex;
import io.tidemark.sync.DeleteHandling;
import io.tidemark.sync.TableMapping;
import java.sql.Connection;
import java.sql.ResultSet;
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
import java.util.UUID;

/**
 * Writes batches to one target table exactly once: rows and position in one transaction.
 *
 * <p>Three ways, each taken when the one before it does not do. One guarded statement writes a
 * whole step, as long as the target is as the changes expect. Where others have written, the rows
 * are looked at first and decided by the policy. And if the target refuses a row, halves of the
 * batch are tried until that row stands alone; it is parked, the others are written.
 */
public final class JdbcApplier implements AutoCloseable {
  /** How long to wait for a lock that a resync or a user's session holds, before trying again. */
  private static final String LOCK_TIMEOUT = "5s";

  /** Batches that are looked at first after one that met a conflict: more are likely to. */
  private static final int CAUTIOUS_BATCHES = 8;

  /** A row takes each unique value from one holder at most, and a table has few constraints. */
  private static final int HOLDERS_MAX = 64;

  private final Connection connection;
  private final UUID configuration;
  private final JdbcStatements statements;
  private final JdbcPositions positions;
  private final ApplyPorts ports;
  private final ConflictPolicy policy;
  private final DeleteHandling deletes;
  private final List<Long> origins;
  private final Set<RowKey> waiting = new HashSet<>();
  private TableMapping mapping;
  private Projection projection;
  private Optional<JdbcRowFilter> filter;
  private List<String> keyColumns;
  private boolean sharesTypes;
  private JdbcTableWriter writer;
  private JdbcConflictWriter conflictWriter;
  private InStep inStep;
  private int cautious;

  /** Takes the session over: it is this applier's until closed. */
  public JdbcApplier(
      Connection connection,
      UUID configuration,
      TableMapping mapping,
      DeleteHandling deletes,
      ConflictPolicy policy,
      JdbcPositions positions,
      ApplyPorts ports)
      throws SQLException {
    this.connection = connection;
    this.configuration = configuration;
    this.positions = positions;
    this.ports = ports;
    this.deletes = deletes;
    this.policy = policy;
    statements = new JdbcStatements(connection);
    prepareSession(connection);
    commitAsynchronously(connection);
    origins =
        policy.detection() == ConflictDetection.ORIGIN
            ? PgOrigins.take(connection, configuration)
            : List.of();
    connection.setAutoCommit(false);
    inStep = new InStep("-infinity", origins, null);
    use(mapping);
  }

  /** Writes what comes from now on by another mapping of the same tables. */
  void use(TableMapping now) throws SQLException {
    mapping = now;
    projection = new Projection(now);
    filter = JdbcRowFilter.of(statements, now, ports.whole());
    keyColumns = now.targetKeyNames();
    sharesTypes = now.columns().stream().anyMatch(TableMapping.Pair::isOfOneUserType);
    makeWriters();
  }

  private void makeWriters() throws SQLException {
    Guard guard = Guard.of(policy, mapping, deletes, inStep);
    writer = new JdbcTableWriter(statements, mapping, guard);
    conflictWriter = new JdbcConflictWriter(statements, mapping, guard, policy, ports.newest());
  }

  /**
   * Reads since when the target is in step and which keys wait for a person. To be called before
   * the first batch, and whenever somebody else has moved the position.
   */
  public void renew(String topic) throws SQLException {
    waiting.clear();
    waiting.addAll(ports.conflicts().waiting());
    if (policy.detection() != ConflictDetection.ORIGIN) {
      return;
    }
    String since = positions.inStepSince(connection, topic);
    UUID kept = positions.hasKept(connection) ? configuration : null;
    connection.commit();
    InStep now = new InStep(since, origins, kept);
    if (!now.equals(inStep)) {
      inStep = now;
      makeWriters();
    }
  }

  /** Sets what every session that writes rows to a target needs. */
  public static void prepareSession(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute("set lock_timeout = " + Sql.literal(LOCK_TIMEOUT));
      // INVARIANT: the planner must never see how many rows an array holds. For some thousand rows
      // without statistics it would join by scanning the whole target; the generic plan expects few
      // and goes by the key's index, however large the target is.
      statement.execute("set plan_cache_mode = force_generic_plan");
      statement.execute(TextForm.SETTINGS);
      if (mayReplicate(statement)) {
        // Other rows' foreign keys are the source's to keep: its tables arrive each at its own
        // pace.
        statement.execute("set session_replication_role = replica");
      }
    }
  }

  /**
   * Does not wait for the target's disk. A crash of its server may take back the last moments, rows
   * and position together; what was taken back is applied again. Who must know that it is on disk
   * asks for it ({@link PgPositions#settle}).
   */
  private static void commitAsynchronously(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute("set synchronous_commit = off");
    }
  }

  private static boolean mayReplicate(Statement statement) throws SQLException {
    try (ResultSet may =
        statement.executeQuery(
            "select has_parameter_privilege('session_replication_role', 'set')")) {
      may.next();
      return may.getBoolean(1);
    }
  }

  /**
   * Writes what the changes come to and moves the position, both or neither.
   *
   * @param changes of one partition, in the order of their offsets
   * @throws SQLException if the target cannot take them now; nothing is written then
   */
  public Applied apply(List<TopicChange> changes, AppliedPosition from, AppliedPosition to)
      throws SQLException {
    List<TopicChange> taken = filter.isEmpty() ? changes : filter.get().of(changes);
    while (true) {
      Optional<Applied> applied = applyOnce(taken, from, to);
      if (applied.isPresent()) {
        return applied.get();
      }
      // Keys were decided meanwhile and wait no more: there are fewer of them each time.
    }
  }

  /** Empty if keys that were believed to wait do not. */
  private Optional<Applied> applyOnce(
      List<TopicChange> changes, AppliedPosition from, AppliedPosition to) throws SQLException {
    try {
      Batch.Plan plan = Batch.plan(changes, projection, deletes, waiting);
      if (cautious == 0 && !sparesWaiting(plan)) {
        Attempt attempt = new Attempt(from, to);
        if (!attempt.begin()) {
          return Optional.of(new Applied.Fenced());
        }
        if (attempt.writeGuarded(plan)) {
          return attempt.commit();
        }
        connection.rollback();
        cautious = CAUTIOUS_BATCHES;
      }
      Attempt attempt = new Attempt(from, to);
      if (!attempt.begin()) {
        return Optional.of(new Applied.Fenced());
      }
      attempt.write(plan);
      cautious = attempt.hasConflicts() ? CAUTIOUS_BATCHES : Math.max(0, cautious - 1);
      return attempt.commit();
    } catch (SQLException e) {
      rollback(e);
      if (!isOfARow(e)) {
        throw e;
      }
    } catch (RuntimeException e) {
      rollback(e);
      throw e;
    }
    try {
      Attempt attempt = new Attempt(from, to);
      if (!attempt.begin()) {
        return Optional.of(new Applied.Fenced());
      }
      byHalves(changes, attempt);
      return attempt.commit();
    } catch (SQLException | RuntimeException e) {
      rollback(e);
      throw e;
    }
  }

  /** Whether a TRUNCATE has to leave rows that wait for a person. */
  private boolean sparesWaiting(Batch.Plan plan) {
    return !waiting.isEmpty() && plan.steps().stream().anyMatch(Step.Truncate.class::isInstance);
  }

  /**
   * Tries the changes as one batch, else each half of them. Halves of single changes keep the
   * source's order, so a row is never blamed for what only its batch's compaction brought about (a
   * unique value handed from one row to another and back).
   */
  private void byHalves(List<TopicChange> changes, Attempt attempt) throws SQLException {
    Savepoint before = connection.setSavepoint();
    Batch.Plan plan = Batch.plan(changes, projection, deletes, waiting);
    List<RowKey> gaveWay = new ArrayList<>();
    while (true) {
      try {
        attempt.write(plan);
        attempt.putInstead(gaveWay, plan);
        checkDeferred();
        connection.releaseSavepoint(before);
        return;
      } catch (SQLException e) {
        if (!isOfARow(e)) {
          throw e;
        }
        connection.rollback(before);
        if (changes.size() == 1) {
          Optional<Unique> unique =
              gaveWay.size() < HOLDERS_MAX
                  ? decideUnique(attempt, plan, e, before)
                  : Optional.empty();
          if (unique.isPresent() && unique.get().verdict() == Verdict.APPLY) {
            // The holder is gone from here on, also if the row is then refused for something else.
            gaveWay.add(unique.get().holder());
            before = connection.setSavepoint();
            continue;
          }
          if (unique.isEmpty()) {
            attempt.park(changes.get(0), e);
            attempt.putInstead(gaveWay, plan);
          }
          return;
        }
      }
      int middle = changes.size() / 2;
      byHalves(changes.subList(0, middle), attempt);
      byHalves(changes.subList(middle, changes.size()), attempt);
      return;
    }
  }

  /** A constraint that waits for the commit would refuse the good rows with the bad one. */
  private void checkDeferred() throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute("set constraints all immediate; set constraints all deferred");
    }
  }

  private Optional<Unique> decideUnique(
      Attempt attempt, Batch.Plan plan, SQLException refusal, Savepoint before)
      throws SQLException {
    try {
      return attempt.decideUnique(plan, refusal);
    } catch (SQLException e) {
      if (!isOfARow(e)) {
        throw e;
      }
      // The other row cannot give way (something refers to it), so the change cannot be written.
      connection.rollback(before);
      return Optional.empty();
    }
  }

  /**
   * Whether one row is at fault. INVARIANT: a label that the source's enum type has got since is
   * not its row's fault: the rows that follow have it too, and none of them is set aside.
   */
  private boolean isOfARow(SQLException e) {
    return PgRefusal.of(e) == PgRefusal.ROW && !(PgRefusal.isUnknownLabel(e) && sharesTypes);
  }

  private void rollback(Exception cause) {
    try {
      connection.rollback();
    } catch (SQLException e) {
      cause.addSuppressed(e);
    }
  }

  @Override
  public void close() throws SQLException {
    try {
      statements.close();
    } finally {
      connection.close();
    }
  }

  /** One transaction: what it has written, found and parked so far. */
  private final class Attempt {
    private final AppliedPosition from;
    private final AppliedPosition to;
    private final Findings findings;
    private final Map<RowKey, RowEdit> later = new LinkedHashMap<>();
    private final List<ParkedRow> parked = new ArrayList<>();
    private RowCounts counts = RowCounts.NONE;

    Attempt(AppliedPosition from, AppliedPosition to) {
      this.from = from;
      this.to = to;
      findings =
          new Findings(to.topic(), to.partition(), waiting, ports.conflicts(), this::refusedAmong);
    }

    private Set<RowKey> refusedAmong(Collection<RowKey> keys) {
      Set<RowKey> refused = new HashSet<>(ports.parked().among(keyColumns, keys));
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

    /** Writes what the guard lets through; false if that is not everything. */
    boolean writeGuarded(Batch.Plan plan) throws SQLException {
      for (Step step : plan.steps()) {
        Written written = writer.write(step);
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
        written = written.plus(conflictWriter.write(step, branch));
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

    /** What has given way to the plan's one row becomes what the source has of it. */
    void putInstead(List<RowKey> gaveWay, Batch.Plan plan) throws SQLException {
      for (RowKey gone : gaveWay) {
        conflictWriter.putInstead(gone, onlyEdit(plan.steps().get(0)).orElseThrow());
      }
    }

    /** Empty if the refusal is not about a unique value that another row holds. */
    Optional<Unique> decideUnique(Batch.Plan plan, SQLException refusal) throws SQLException {
      if (plan.steps().size() != 1) {
        return Optional.empty();
      }
      Optional<RowEdit> edit = onlyEdit(plan.steps().get(0));
      Optional<UniqueIndex> unique = PgUniqueIndex.violated(connection, mapping, refusal);
      if (edit.isEmpty() || edit.get().isDeletion() || unique.isEmpty()) {
        return Optional.empty();
      }
      return Optional.ofNullable(conflictWriter.decideUnique(edit.get(), unique.get(), findings));
    }

    private static Optional<RowEdit> onlyEdit(Step step) {
      if (step instanceof Step.Rows rows && rows.edits().size() == 1) {
        return Optional.of(rows.edits().get(0));
      }
      return step instanceof Step.Moves moves && moves.moves().size() == 1
          ? Optional.of(moves.moves().get(0).edit())
          : Optional.empty();
    }

    void park(TopicChange refused, SQLException refusal) throws SQLException {
      Optional<RowKey> key = projection.keyOf(refused.change());
      if (key.isEmpty()) {
        // A truncate has no row to set aside; a person must see to what refuses it.
        throw refusal;
      }
      parked.add(
          new ParkedRow(
              keyColumns,
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
                          new Later(
                              edit.key(), conflictWriter.source(edit), edit.last().position()))
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
      if (origins.isEmpty()) {
        connection.commit();
      } else {
        PgOrigins.commit(connection);
      }
      waiting.addAll(findings.reviewed());
      return Optional.of(
          new Applied.Committed(
              counts.plus(RowCounts.parked(parked.size())).plus(findings.counts())));
    }
  }
}
