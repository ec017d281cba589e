package io.tidemark.capture;

import io.tidemark.change.OperatingFailure;
import io.tidemark.postgres.Lsn;
import io.tidemark.postgres.PgSession;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * A replication slot as the server has it now.
 *
 * @param confirmedLsn the server sends again what commits after it, and nothing before it
 * @param retainedBytes WAL that the server keeps for it
 * @param active whether a walsender serves it
 * @param lost whether WAL that it needs is gone
 */
record PgSlot(long confirmedLsn, long retainedBytes, boolean active, boolean lost) {
  private static final Duration EVICT_MAX = Duration.ofSeconds(15);
  private static final long EVICT_RETRY_MILLIS = 20;

  /** Making a slot waits for every transaction that is open now. */
  private static final Duration CREATE_MAX = Duration.ofSeconds(120);

  /** What a statement ends with that ran out of time. */
  private static final String CANCELLED = "57014";

  private static final String UNUSED =
      """
      select slot_name
      from pg_catalog.pg_replication_slots
      where slot_name ~ '^tidemark_.*_[0-9a-f]{8}$'
        and database = current_database()
        and not active
      order by 1
      """;

  static Optional<PgSlot> find(Connection connection, String name) throws SQLException {
    try (PreparedStatement statement =
        connection.prepareStatement(
            """
            select s.confirmed_flush_lsn::text,
                   coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), s.restart_lsn), 0)::int8,
                   s.active,
                   coalesce(s.wal_status = 'lost', false)
            from pg_catalog.pg_replication_slots s
            where s.slot_name = ? and s.slot_type = 'logical'
            """)) {
      statement.setString(1, name);
      try (ResultSet row = statement.executeQuery()) {
        if (!row.next()) {
          return Optional.empty();
        }
        String confirmed = row.getString(1);
        return Optional.of(
            new PgSlot(
                confirmed == null ? 0 : Lsn.parse(confirmed),
                row.getLong(2),
                row.getBoolean(3),
                row.getBoolean(4) || confirmed == null));
      }
    }
  }

  /** The slots of Tidemark in this database, of any installation, that nobody reads. */
  static List<String> unused(PgSession session) {
    return session.rows(UNUSED).stream().map(row -> String.valueOf(row.get(0))).toList();
  }

  static void create(Connection connection, String name) throws SQLException {
    try (PreparedStatement statement =
        connection.prepareStatement(
            """
            select from pg_catalog.pg_create_logical_replication_slot(?, 'pgoutput')
            """)) {
      statement.setQueryTimeout((int) CREATE_MAX.toSeconds());
      statement.setString(1, name);
      statement.execute();
    } catch (SQLException e) {
      if (!CANCELLED.equals(e.getSQLState())) {
        throw e;
      }
      throw new OperatingFailure(
          OperatingFailure.Kind.SOURCE,
          "transactions_open",
          "replication slot "
              + name
              + " could not begin: transactions that were open before it are still open after "
              + CREATE_MAX.toSeconds()
              + " s",
          "End them (pg_stat_activity, pg_prepared_xacts), of whatever database, then try again.",
          e);
    }
  }

  /** Drops the slot if it exists, whoever reads it. */
  static void drop(Connection connection, String name) throws SQLException, InterruptedException {
    long until = System.nanoTime() + EVICT_MAX.toNanos();
    while (find(connection, name).isPresent()) {
      evict(connection, name);
      try (PreparedStatement statement =
          connection.prepareStatement("select pg_catalog.pg_drop_replication_slot(?)")) {
        statement.setString(1, name);
        statement.execute();
        return;
      } catch (SQLException e) {
        // Somebody took it in between; bounded, since the releasing instance fenced them.
        if (System.nanoTime() > until) {
          throw e;
        }
      }
    }
  }

  /**
   * Ends the walsender that serves the slot, and waits until the slot is free.
   *
   * <p>INVARIANT: walsenders only. Whoever makes or drops the slot holds it too, for a moment, and
   * is to come to its end.
   */
  static void evict(Connection connection, String name) throws SQLException, InterruptedException {
    long until = System.nanoTime() + EVICT_MAX.toNanos();
    while (find(connection, name).map(PgSlot::active).orElse(false)) {
      try (PreparedStatement statement =
          connection.prepareStatement(
              """
              select pg_catalog.pg_terminate_backend(s.active_pid)
              from pg_catalog.pg_replication_slots s
              join pg_catalog.pg_stat_activity a on a.pid = s.active_pid
              where s.slot_name = ? and a.backend_type = 'walsender'
              """)) {
        statement.setString(1, name);
        statement.execute();
      }
      if (System.nanoTime() > until) {
        throw busy(connection, name);
      }
      Thread.sleep(EVICT_RETRY_MILLIS);
    }
  }

  private static OperatingFailure busy(Connection connection, String name) throws SQLException {
    boolean isBeingMade;
    try (PreparedStatement statement =
        connection.prepareStatement(
            """
            select exists (
              select
              from pg_catalog.pg_replication_slots s
              join pg_catalog.pg_stat_activity a on a.pid = s.active_pid
              where s.slot_name = ? and a.backend_type <> 'walsender')
            """)) {
      statement.setString(1, name);
      try (ResultSet row = statement.executeQuery()) {
        row.next();
        isBeingMade = row.getBoolean(1);
      }
    }
    return new OperatingFailure(
        OperatingFailure.Kind.SOURCE,
        "slot_busy",
        isBeingMade
            ? "replication slot "
                + name
                + " is being made: it begins once all transactions have ended that were open"
                + " before it"
            : "replication slot " + name + " is held by a walsender that does not end",
        isBeingMade
            ? "End old transactions (pg_stat_activity, pg_prepared_xacts), of whatever database."
            : "End the session that pg_replication_slots.active_pid names.",
        null);
  }
}
