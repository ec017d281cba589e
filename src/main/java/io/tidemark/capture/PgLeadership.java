package io.tidemark.capture;

import io.tidemark.postgres.Lsn;
import io.tidemark.postgres.PgDatabase;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Executor;

/**
 * The right to capture one source database: a session-level advisory lock there, in a session of
 * its own.
 *
 * <p>A killed holder loses it with its socket. A frozen one keeps its socket, so the server itself
 * ends a session that was silent for {@value #SILENCE_SECONDS} s. Losing the lock is not what keeps
 * topics right (fencing the producer and ending the walsender is); it keeps two live instances from
 * doing that to each other all the time.
 */
final class PgLeadership implements AutoCloseable {
  /** The server ends the session after this silence: how long a frozen holder blocks others. */
  static final int SILENCE_SECONDS = 5;

  /** How often the holder speaks. */
  static final Duration PING = Duration.ofSeconds(1);

  /** Longest wait for an answer: below the silence, so that a holder knows before others do. */
  private static final int ANSWER_MILLIS_MAX = 4_000;

  private static final String HAS_SENT =
      """
      select s.active_pid is null
        or coalesce(r.sent_lsn >= ?::pg_lsn, false)
        or coalesce(a.wait_event = 'WalSenderWriteData', false)
      from pg_catalog.pg_replication_slots s
      left join pg_catalog.pg_stat_replication r on r.pid = s.active_pid
      left join pg_catalog.pg_stat_activity a on a.pid = s.active_pid
      where s.slot_name = ?
      """;

  private static final Executor SAME_THREAD = Runnable::run;

  private final Connection connection;

  private PgLeadership(Connection connection) {
    this.connection = connection;
  }

  /** Takes the lock if nobody has it. */
  static Optional<PgLeadership> tryTake(PgDatabase source, long lock) throws SQLException {
    Connection connection = source.open("capture leader");
    try {
      connection.setNetworkTimeout(SAME_THREAD, ANSWER_MILLIS_MAX);
      try (Statement statement = connection.createStatement()) {
        statement.execute("set idle_session_timeout to '" + SILENCE_SECONDS + "s'");
      }
      try (PreparedStatement statement =
          connection.prepareStatement("select pg_catalog.pg_try_advisory_lock(?)")) {
        statement.setLong(1, lock);
        try (ResultSet row = statement.executeQuery()) {
          row.next();
          if (row.getBoolean(1)) {
            return Optional.of(new PgLeadership(connection));
          }
        }
      }
      connection.close();
      return Optional.empty();
    } catch (SQLException | RuntimeException e) {
      try {
        connection.close();
      } catch (SQLException suppressed) {
        e.addSuppressed(suppressed);
      }
      throw e;
    }
  }

  /** The slot as it is now. Also a sign of life. */
  Optional<PgSlot> slot(String name) throws SQLException {
    return PgSlot.find(connection, name);
  }

  /** Says that the holder is alive; fails if the session is lost. */
  void ping() throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute("select");
    }
  }

  /**
   * Moves an idle source on, so that its slot does not hold WAL, and answers where the log has it.
   * Also a sign of life.
   */
  long heartbeat() throws SQLException {
    return PgSource.emit(connection, CaptureNames.HEARTBEAT);
  }

  /**
   * Whether the server has sent the slot's reader everything up to the LSN, or cannot get rid of
   * it. Also a sign of life.
   */
  boolean hasSent(String slot, long lsn) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(HAS_SENT)) {
      statement.setString(1, Lsn.text(lsn));
      statement.setString(2, slot);
      try (ResultSet row = statement.executeQuery()) {
        return row.next() && row.getBoolean(1);
      }
    }
  }

  void evict(String slot) throws SQLException, InterruptedException {
    PgSlot.evict(connection, slot);
  }

  @Override
  public void close() throws SQLException {
    connection.close();
  }
}
