package io.tidemark.postgres;

import io.tidemark.change.OperatingFailure;
import io.tidemark.change.OperatingFailure.Kind;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One session for set-wise work: statements, COPY, and an end that another thread may force. Every
 * failure comes out as an {@link OperatingFailure} of this session's side. One thread uses it at a
 * time; only {@link #abort} is for others.
 */
public final class PgSession implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(PgSession.class.getName());

  /** How a transaction begins. */
  public enum Begin {
    READ_COMMITTED("isolation level read committed, read write"),
    REPEATABLE_READ_ONLY("isolation level repeatable read, read only");

    private final String mode;

    Begin(String mode) {
      this.mode = mode;
    }
  }

  private final Connection connection;
  private final Kind side;
  private final String subject;
  private boolean carriesOrigin;

  private PgSession(Connection connection, Kind side, String subject) {
    this.connection = connection;
    this.side = side;
    this.subject = subject;
  }

  /**
   * @param side whose failure it is if the session fails: SOURCE, TARGET or STORE
   * @param purpose shows in {@code pg_stat_activity}
   * @param subject what the session works on, for messages, such as a table's name
   */
  public static PgSession open(PgDatabase database, Kind side, String purpose, String subject) {
    try {
      return new PgSession(database.open(purpose), side, subject);
    } catch (SQLException e) {
      throw PgFailures.of(e, side, "connection '" + database.connection() + "'");
    }
  }

  /** The session itself, for classes that speak JDBC. */
  public Connection connection() {
    return connection;
  }

  /** What is committed from now on carries the origin that the session has taken. */
  void carriesOrigin() {
    carriesOrigin = true;
  }

  /** From now on a server that takes longer to answer counts as one that does not. */
  public void answerWithin(Duration max) {
    run(
        () -> {
          connection.setNetworkTimeout(Runnable::run, (int) max.toMillis());
          return null;
        });
  }

  /** Starts a transaction; the session is not in one. */
  public void begin(Begin begin) {
    run(
        () -> {
          connection.setAutoCommit(false);
          return null;
        });
    execute("set transaction " + begin.mode);
  }

  public void commit() {
    run(
        () -> {
          if (carriesOrigin) {
            PgOrigins.commit(connection);
          } else {
            connection.commit();
          }
          connection.setAutoCommit(true);
          return null;
        });
  }

  public void rollback() {
    run(
        () -> {
          connection.rollback();
          connection.setAutoCommit(true);
          return null;
        });
  }

  public void execute(String sql) {
    run(
        () -> {
          try (Statement statement = connection.createStatement()) {
            return statement.execute(sql);
          }
        });
  }

  /** Runs a statement that writes and answers how many rows it wrote. */
  public long update(String sql) {
    return run(
        () -> {
          try (Statement statement = connection.createStatement()) {
            return statement.executeLargeUpdate(sql);
          }
        });
  }

  /** All rows of a small result, each value as text. */
  public List<List<@Nullable String>> rows(String sql, Object... parameters) {
    return run(
        () -> {
          try (PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int i = 0; i < parameters.length; i++) {
              statement.setObject(i + 1, parameters[i]);
            }
            try (ResultSet result = statement.executeQuery()) {
              return read(result);
            }
          }
        });
  }

  /** The first row of a result that has at least one. */
  public List<@Nullable String> row(String sql, Object... parameters) {
    List<List<@Nullable String>> rows = rows(sql, parameters);
    if (rows.isEmpty()) {
      throw new IllegalStateException("a query that always has a row has none");
    }
    return rows.get(0);
  }

  /** The first value of the first row, not null. */
  public String text(String sql, Object... parameters) {
    return Optional.ofNullable(row(sql, parameters).get(0)).orElseThrow();
  }

  /** The first value of the first row, a number. */
  public long number(String sql, Object... parameters) {
    return Long.parseLong(text(sql, parameters));
  }

  /** The first value of the first row, a boolean. */
  public boolean isTrue(String sql, Object... parameters) {
    return text(sql, parameters).equals("t");
  }

  /** The unique indexes of a table. */
  public List<UniqueIndex> uniqueIndexes(long tableOid) {
    return run(() -> UniqueIndex.of(connection, tableOid));
  }

  /** Starts {@code copy … to stdout}. */
  public PgCopyOut copyOut(String sql) {
    return run(
        () -> new PgCopyOut(PgDatabase.pg(connection).getCopyAPI().copyOut(sql), side, subject));
  }

  /** Starts {@code copy … from stdin}. */
  public PgCopyIn copyIn(String sql) {
    return run(
        () -> new PgCopyIn(PgDatabase.pg(connection).getCopyAPI().copyIn(sql), side, subject));
  }

  /**
   * Ends the session from another thread, whatever it does: a running statement is cancelled, the
   * transaction rolled back. The thread that uses it gets a failure.
   *
   * <p>The cancel request alone can be lost between two statements, the closed socket alone is not
   * noticed by a server that computes: both together leave no gap.
   */
  public void abort() {
    try {
      PgDatabase.pg(connection).cancelQuery();
    } catch (SQLException e) {
      LOG.log(System.Logger.Level.DEBUG, "The server took no cancel request", e);
    }
    try {
      connection.abort(Runnable::run);
    } catch (SQLException e) {
      LOG.log(System.Logger.Level.DEBUG, "The connection was closed already", e);
    }
  }

  /** Ends the session; what is not committed is rolled back by the server. */
  @Override
  public void close() {
    try {
      connection.close();
    } catch (SQLException e) {
      // The server rolls back when the socket closes, so nothing is lost; but it is worth a line.
      LOG.log(System.Logger.Level.WARNING, "A session did not close cleanly", e);
    }
  }

  private interface Work<T extends @Nullable Object> {
    T run() throws SQLException;
  }

  private <T extends @Nullable Object> T run(Work<T> work) {
    try {
      return work.run();
    } catch (SQLException e) {
      throw PgFailures.of(e, side, subject);
    }
  }

  private static List<List<@Nullable String>> read(ResultSet result) throws SQLException {
    int columns = result.getMetaData().getColumnCount();
    List<List<@Nullable String>> rows = new ArrayList<>();
    while (result.next()) {
      @Nullable String[] row = new String[columns];
      for (int i = 0; i < columns; i++) {
        row[i] = result.getString(i + 1);
      }
      rows.add(Collections.unmodifiableList(Arrays.asList(row)));
    }
    return rows;
  }
}
