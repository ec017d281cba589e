package io.tidemark.apply;

import io.tidemark.change.OperatingFailure;
import io.tidemark.postgres.PgFailures;
import io.tidemark.postgres.PgSession;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.UUID;

/** A configuration's positions over somebody else's session and transaction. */
public final class PgPositions {
  private final PgSession session;
  private final JdbcPositions positions;

  public PgPositions(PgSession session, UUID configuration) {
    this.session = session;
    positions = new JdbcPositions(configuration);
  }

  /** Makes the table if it is not there; the session is not in a transaction. */
  public void ensureTable() {
    run(
        connection -> {
          JdbcPositions.ensureTable(connection);
          return true;
        });
  }

  public List<AppliedPosition> find(String topic) {
    return run(connection -> positions.find(connection, topic));
  }

  /** Locked until the transaction ends: the apply loop waits. */
  public List<AppliedPosition> lock(String topic) {
    return run(connection -> positions.lock(connection, topic));
  }

  /**
   * Returns when the positions, and the rows that were committed with them, are as durable as the
   * session's commits are. The session is not in a transaction.
   */
  public void settle(String topic) {
    // Locking a row is written to the log, so that the commit waits for the log up to there.
    lock(topic);
  }

  /** For whoever holds the lock, or makes the first position. */
  public void set(AppliedPosition to, PositionBasis basis) {
    run(
        connection -> {
          positions.set(connection, to, basis);
          return true;
        });
  }

  /** See {@link JdbcPositions#noteBasis}. */
  public void noteBasis(String topic, PositionBasis basis) {
    run(
        connection -> {
          positions.noteBasis(connection, topic, basis);
          return true;
        });
  }

  /** See {@link JdbcPositions#renew}; for whoever holds the lock. */
  public void renew(String topic) {
    run(
        connection -> {
          positions.renew(connection, topic);
          return true;
        });
  }

  /** See {@link JdbcPositions#forgetMarks}. */
  public void forgetMarks() {
    run(
        connection -> {
          positions.forgetMarks(connection);
          return true;
        });
  }

  /** See {@link JdbcPositions#forgetKept}. */
  public void forgetKept() {
    run(
        connection -> {
          positions.forgetKept(connection);
          return true;
        });
  }

  public void forget() {
    run(
        connection -> {
          positions.forget(connection);
          return true;
        });
  }

  private interface Work<T> {
    T run(Connection connection) throws SQLException;
  }

  private <T> T run(Work<T> work) {
    try {
      return work.run(session.connection());
    } catch (SQLException e) {
      throw PgFailures.of(e, OperatingFailure.Kind.TARGET, "table tidemark.applied_position");
    }
  }
}
