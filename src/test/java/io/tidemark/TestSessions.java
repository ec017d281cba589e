package io.tidemark;

import io.tidemark.postgres.PgDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Sessions in which tests look and write: to open one costs a server ten times as much as a
 * statement, and tests poll. A session is kept for the next statement in the same database, with
 * the settings that it began with.
 */
public final class TestSessions {
  /** Of each class that runs: its three databases', and now and then another one's. */
  private static final int IDLE_MAX = 24;

  private static final int VALIDATION_SECONDS = 10;

  private static final Map<PgDatabase, Connection> IDLE = new LinkedHashMap<>();

  private TestSessions() {}

  /** What is done in a session, which commits each statement. */
  public interface Work<T> {
    T in(Statement statement) throws SQLException;
  }

  public static <T> T with(PgDatabase database, Work<T> work) throws SQLException {
    Connection session = idle(database);
    if (session == null) {
      session = database.open("test");
    }
    try {
      T answer;
      boolean isClean;
      try (Statement statement = session.createStatement()) {
        answer = work.in(statement);
        isClean = isReset(statement);
      }
      if (isClean) {
        keep(database, session);
      } else {
        session.close();
      }
      return answer;
    } catch (SQLException | RuntimeException | Error e) {
      closeAfter(e, session);
      throw e;
    }
  }

  /** What went wrong first is what the test is told. */
  private static void closeAfter(Throwable failure, Connection session) {
    try {
      session.close();
    } catch (SQLException e) {
      failure.addSuppressed(e);
    }
  }

  /** Closes the session that is kept in a database. */
  static void end(PgDatabase database) throws SQLException {
    Connection session = idle(database);
    if (session != null) {
      session.close();
    }
  }

  private static @Nullable Connection idle(PgDatabase database) throws SQLException {
    Connection session;
    synchronized (IDLE) {
      session = IDLE.remove(database);
    }
    // A test may have ended all sessions of its database, or its server.
    if (session != null && !session.isValid(VALIDATION_SECONDS)) {
      session.close();
      return null;
    }
    return session;
  }

  /** Fails in a transaction that was left open; it ends with its session. */
  private static boolean isReset(Statement statement) {
    try {
      statement.execute("discard all");
      return true;
    } catch (SQLException e) {
      return false;
    }
  }

  private static void keep(PgDatabase database, Connection session) throws SQLException {
    Connection surplus;
    synchronized (IDLE) {
      surplus = IDLE.put(database, session);
      if (surplus == null && IDLE.size() > IDLE_MAX) {
        surplus = IDLE.remove(IDLE.keySet().iterator().next());
      }
    }
    if (surplus != null) {
      surplus.close();
    }
  }
}
