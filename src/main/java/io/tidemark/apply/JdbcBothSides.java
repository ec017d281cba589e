package io.tidemark.apply;

import java.sql.SQLException;
import java.sql.Savepoint;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Two tables that are kept in step in both directions, each in a session of its own. */
record JdbcBothSides(JdbcSide source, JdbcSide target) implements AutoCloseable {
  /** The other one of the two. */
  JdbcSide other(JdbcSide one) {
    return one == target ? source : target;
  }

  /** The target ends last: the positions are there. */
  void commit() throws SQLException {
    source.commit();
    target.commit();
  }

  /**
   * @param cause that is to be told of, rather than of a failure here; null if nothing failed
   */
  void rollback(@Nullable Exception cause) throws SQLException {
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

  Savepoints setSavepoints() throws SQLException {
    return new Savepoints(this, source.session().setSavepoint(), target.session().setSavepoint());
  }

  /** Where both transactions stood. */
  record Savepoints(JdbcBothSides sides, Savepoint atSource, Savepoint atTarget) {
    /** Goes back after a row was refused; any other failure goes on. */
    void goBack(SQLException failure) throws SQLException {
      if (PgRefusal.of(failure) != PgRefusal.ROW) {
        throw failure;
      }
      sides.source.session().rollback(atSource);
      sides.target.session().rollback(atTarget);
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
}
