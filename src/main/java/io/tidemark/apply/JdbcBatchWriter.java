package io.tidemark.apply;

import io.tidemark.change.OperatingFailure;
import io.tidemark.change.Row;
import io.tidemark.change.RowKey;
import io.tidemark.change.RowShape;
import io.tidemark.postgres.PgFailures;
import io.tidemark.postgres.PgSession;
import io.tidemark.sync.DeleteHandling;
import io.tidemark.sync.TableMapping;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

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
  private final Optional<JdbcRowFilter> filter;
  private final NewestRows newest;
  private final RowShape shape;

  JdbcBatchWriter(
      PgSession session, TableMapping mapping, DeleteHandling deletes, ApplyPorts ports) {
    newest = ports.newest();
    this.session = session;
    this.mapping = mapping;
    this.deletes = deletes;
    projection = new Projection(mapping);
    shape = mapping.targetShape();
    // For the reason that JdbcWriterSession.prepare gives.
    session.execute("set plan_cache_mode = force_generic_plan");
    try {
      statements = new JdbcStatements(session.connection());
      writer = new JdbcTableWriter(statements, mapping, Guard.none());
      filter = JdbcRowFilter.of(statements, mapping, ports.whole());
    } catch (SQLException e) {
      throw failure(e);
    }
  }

  void write(List<TopicChange> changes) {
    try {
      List<TopicChange> taken = filter.isEmpty() ? changes : filter.get().of(changes);
      for (Step step : Batch.steps(taken, projection, deletes)) {
        List<RowEdit> missing = writer.write(step).missing();
        if (filter.isPresent()) {
          writeWhole(missing);
        } else if (!missing.isEmpty()) {
          throw new IllegalStateException(
              missing.size() + " rows of the snapshot are not in the table filled from it");
        }
      }
    } catch (SQLException e) {
      throw failure(e);
    }
  }

  /** Rows that came into the filter by changes which left large values as they were. */
  private void writeWhole(List<RowEdit> missing) throws SQLException {
    if (missing.isEmpty()) {
      return;
    }
    Map<RowKey, Row> rows = newest.of(missing.stream().map(RowEdit::key).toList());
    List<RowEdit> whole = new ArrayList<>();
    for (RowEdit edit : missing) {
      Row row = rows.get(edit.key());
      // One that the source has no more, or has outside the filter, is left out: a later change
      // says so.
      if (row != null) {
        whole.add(edit.putting(row, shape));
      }
    }
    writer.writeRows(whole);
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
