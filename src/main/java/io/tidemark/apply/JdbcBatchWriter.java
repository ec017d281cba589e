package io.tidemark.apply;

import io.tidemark.change.OperatingFailure;
import io.tidemark.postgres.PgFailures;
import io.tidemark.postgres.PgSession;
import io.tidemark.sync.DeleteHandling;
import io.tidemark.sync.TableMapping;
import java.sql.SQLException;
import java.util.List;

/**
 * Writes batches to a table in the transaction of somebody else's session, with no position and
 * nothing parked: for a table that was filled from a snapshot and must take every change.
 */
final class JdbcBatchWriter implements AutoCloseable {
  private final PgSession session;
  private final TableMapping mapping;
  private final Projection projection;
  private final DeleteHandling deletes;
  private final JdbcStatements statements;
  private final JdbcTableWriter writer;

  JdbcBatchWriter(PgSession session, TableMapping mapping, DeleteHandling deletes) {
    this.session = session;
    this.mapping = mapping;
    this.deletes = deletes;
    projection = new Projection(mapping);
    // For the reason that JdbcApplier.prepareSession gives.
    session.execute("set plan_cache_mode = force_generic_plan");
    try {
      statements = new JdbcStatements(session.connection());
      writer = new JdbcTableWriter(statements, mapping, Guard.none());
    } catch (SQLException e) {
      throw failure(e);
    }
  }

  void write(List<TopicChange> changes) {
    try {
      for (Step step : Batch.steps(changes, projection, deletes)) {
        List<RowEdit> missing = writer.write(step).missing();
        if (!missing.isEmpty()) {
          throw new IllegalStateException(
              missing.size() + " rows of the snapshot are not in the table filled from it");
        }
      }
    } catch (SQLException e) {
      throw failure(e);
    }
  }

  private OperatingFailure failure(SQLException e) {
    return PgFailures.of(e, OperatingFailure.Kind.TARGET, "table " + mapping.target().name());
  }

  /** Ends its statements; the session goes on. */
  @Override
  public void close() {
    try {
      statements.close();
    } catch (SQLException e) {
      throw failure(e);
    }
    session.execute("reset plan_cache_mode");
  }
}
