package io.tidemark.apply;

import io.tidemark.apply.JdbcTableWriter.Written;
import io.tidemark.change.RowKey;
import io.tidemark.postgres.Sql;
import io.tidemark.sync.DeleteHandling;
import io.tidemark.sync.TableMapping;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Writes batches to one target table exactly once: rows and position in one transaction. If the
 * target refuses a batch because of a row, halves of it are tried until the bad row stands alone;
 * that row is parked, the others are written.
 */
public final class JdbcApplier implements AutoCloseable {
  /** How long to wait for a lock that a resync or a user's session holds, before trying again. */
  private static final String LOCK_TIMEOUT = "5s";

  private static final String ROW_MISSING =
      "the target has no such row, and the source did not send all of its values";

  private final Connection connection;
  private final JdbcPositions positions;
  private final ParkedRows parkedRows;
  private final JdbcTableWriter writer;
  private final Projection projection;
  private final DeleteHandling deletes;
  private final List<String> keyColumns;

  /** Takes the session over: it is this applier's until closed. */
  public JdbcApplier(
      Connection connection,
      TableMapping mapping,
      DeleteHandling deletes,
      JdbcPositions positions,
      ParkedRows parkedRows)
      throws SQLException {
    this.connection = connection;
    this.positions = positions;
    this.parkedRows = parkedRows;
    this.deletes = deletes;
    projection = new Projection(mapping);
    keyColumns = mapping.key().stream().map(pair -> pair.target().name()).toList();
    prepareSession(connection);
    connection.setAutoCommit(false);
    writer = new JdbcTableWriter(connection, mapping);
  }

  /** Sets what every session that writes rows to a target needs. */
  public static void prepareSession(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute("set lock_timeout = " + Sql.literal(LOCK_TIMEOUT));
      // INVARIANT: the planner must never see how many rows an array holds. For some thousand rows
      // without statistics it would join by scanning the whole target; the generic plan expects few
      // and goes by the key's index, however large the target is.
      statement.execute("set plan_cache_mode = force_generic_plan");
      if (mayReplicate(statement)) {
        // Other rows' foreign keys are the source's to keep: its tables arrive each at its own
        // pace.
        statement.execute("set session_replication_role = replica");
      }
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
    try {
      return attempt(from, to, attempt -> attempt.write(changes));
    } catch (SQLException e) {
      rollback(e);
      if (PgRefusal.of(e) != PgRefusal.ROW) {
        throw e;
      }
    }
    try {
      return attempt(from, to, attempt -> byHalves(changes, attempt));
    } catch (SQLException | RuntimeException e) {
      rollback(e);
      throw e;
    }
  }

  private Applied attempt(AppliedPosition from, AppliedPosition to, Work work) throws SQLException {
    if (!positions.advance(connection, from, to)) {
      connection.rollback();
      return new Applied.Fenced();
    }
    Attempt attempt = new Attempt(to);
    work.writeIn(attempt);
    return attempt.commit();
  }

  private interface Work {
    void writeIn(Attempt attempt) throws SQLException;
  }

  /**
   * Tries the changes as one batch, else each half of them. Halves of single changes keep the
   * source's order, so a row is never blamed for what only its batch's compaction brought about (a
   * unique value handed from one row to another and back).
   */
  private void byHalves(List<TopicChange> changes, Attempt attempt) throws SQLException {
    Savepoint before = connection.setSavepoint();
    try {
      attempt.write(changes);
      connection.releaseSavepoint(before);
      return;
    } catch (SQLException e) {
      if (PgRefusal.of(e) != PgRefusal.ROW) {
        throw e;
      }
      connection.rollback(before);
      if (changes.size() == 1) {
        attempt.park(changes.get(0), e);
        return;
      }
    }
    int middle = changes.size() / 2;
    byHalves(changes.subList(0, middle), attempt);
    byHalves(changes.subList(middle, changes.size()), attempt);
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
      writer.close();
    } finally {
      connection.close();
    }
  }

  /** What one transaction has written and parked so far. */
  private final class Attempt {
    private final AppliedPosition to;
    private final List<ParkedRow> parked = new ArrayList<>();
    private RowCounts counts = RowCounts.NONE;

    Attempt(AppliedPosition to) {
      this.to = to;
    }

    void write(List<TopicChange> changes) throws SQLException {
      RowCounts written = RowCounts.NONE;
      List<ParkedRow> missing = new ArrayList<>();
      for (Step step : Batch.steps(changes, projection, deletes)) {
        Written outcome = writer.write(step);
        written = written.plus(outcome.counts());
        for (TargetRow row : outcome.missing()) {
          missing.add(parked(row.key(), row.from(), "row_missing", ROW_MISSING));
        }
      }
      counts = counts.plus(written);
      parked.addAll(missing);
    }

    void park(TopicChange refused, SQLException refusal) throws SQLException {
      Optional<RowKey> key = projection.keyOf(refused.change());
      if (key.isEmpty()) {
        // A truncate has no row to set aside; a person must see to what refuses it.
        throw refusal;
      }
      RecordRef from = new RecordRef(refused.offset(), refused.change().position());
      parked.add(parked(key.get(), from, refusal.getSQLState(), PgRefusal.describe(refusal)));
    }

    private ParkedRow parked(RowKey key, RecordRef from, String code, String reason) {
      return new ParkedRow(
          keyColumns,
          key,
          to.topic(),
          to.partition(),
          from.offset(),
          from.position(),
          code,
          reason);
    }

    Applied commit() throws SQLException {
      if (!parked.isEmpty()) {
        // INVARIANT: written ahead. A crash between here and the commit parks the same rows again.
        parkedRows.park(List.copyOf(parked));
      }
      connection.commit();
      return new Applied.Committed(counts.plus(new RowCounts(0, 0, 0, parked.size())));
    }
  }
}
