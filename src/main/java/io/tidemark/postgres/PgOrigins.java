package io.tidemark.postgres;

import io.tidemark.change.OperatingFailure;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * The replication origins that mark what one configuration writes in a database. A commit carries
 * its session's origin, so that a row tells who wrote it last.
 *
 * <p>An origin can be active in one session at a time, and each active one takes a slot of the
 * server ({@code max_active_replication_origins}, before PostgreSQL 18 {@code
 * max_replication_slots}) for good. A configuration has a few names and uses as few as it has
 * sessions at once.
 */
public final class PgOrigins {
  /** Sessions of one configuration that write at once: its instances' loops and one decision. */
  private static final int NAMES = 8;

  /** A closed session's server process ends a moment later. */
  private static final Duration ENDING_MAX = Duration.ofSeconds(10);

  private static final String OBJECT_IN_USE = "55006";
  private static final String DUPLICATE = "23505";

  private static final String CREATE =
      """
      select pg_catalog.pg_replication_origin_create(?)
      where pg_catalog.pg_replication_origin_oid(?) is null
      """;
  private static final String OID = "select pg_catalog.pg_replication_origin_oid(?)::int8";
  private static final String SET_UP = "select pg_catalog.pg_replication_origin_session_setup(?)";

  /** Both at once: for the time alone, a transaction would take one round trip in four more. */
  private static final String COMMIT =
      "select pg_catalog.pg_replication_origin_xact_setup('0/0', clock_timestamp()); commit";

  private static final String DROP =
      """
      select pg_catalog.pg_replication_origin_drop(?)
      where pg_catalog.pg_replication_origin_oid(?) is not null
      """;

  private static final String OWNERS =
      """
      select distinct substring(roname from '^tidemark_([0-9a-f]{32})_[0-9]$')::uuid
      from pg_catalog.pg_replication_origin
      where roname ~ '^tidemark_[0-9a-f]{32}_[0-9]$'
      """;

  private PgOrigins() {}

  /** What the names of a configuration's origins begin with. */
  public static String prefix(UUID configuration) {
    return "tidemark_" + configuration.toString().replace("-", "") + "_";
  }

  /**
   * Makes the session carry one of the configuration's origins from its next transaction on. The
   * session is not in a transaction.
   *
   * @return the oids of all origins of the configuration: whatever row carries one of them is ours
   * @throws SQLException also if no origin or no slot of the server is free
   */
  public static List<Long> take(Connection session, UUID configuration) throws SQLException {
    List<String> names = names(configuration);
    List<Long> oids = new ArrayList<>();
    for (String name : names) {
      ensure(session, name);
      oids.add(oid(session, name));
    }
    SQLException inUse = null;
    for (String name : names) {
      try {
        run(session, SET_UP, name);
        return oids;
      } catch (SQLException e) {
        if (!OBJECT_IN_USE.equals(e.getSQLState())) {
          throw e;
        }
        inUse = e;
      }
    }
    throw inUse == null ? new SQLException("a configuration has no origin") : inUse;
  }

  /**
   * Commits in a session that carries an origin. A plain commit would not do: the server takes the
   * time of such a commit for another server's, which it waits to be told. Its log would say 2000,
   * and the rows the time of the session's first commit.
   */
  public static void commit(Connection session) throws SQLException {
    run(session, COMMIT);
  }

  private static void ensure(Connection session, String name) throws SQLException {
    try {
      run(session, CREATE, name, name);
    } catch (SQLException e) {
      // Another session has just made it.
      if (!DUPLICATE.equals(e.getSQLState())) {
        throw e;
      }
    }
  }

  private static long oid(Connection session, String name) throws SQLException {
    try (PreparedStatement statement = session.prepareStatement(OID)) {
      statement.setString(1, name);
      try (ResultSet row = statement.executeQuery()) {
        row.next();
        return row.getLong(1);
      }
    }
  }

  /**
   * Forgets a configuration's origins, and gives their slots back. No session of ours uses them any
   * more; the server may still be ending one, which is waited for.
   */
  public static void drop(Connection session, UUID configuration) throws SQLException {
    for (String name : names(configuration)) {
      drop(session, name);
    }
  }

  /** The configurations whose origins the server has, those of other installations too. */
  public static Set<UUID> owners(PgSession session) {
    Set<UUID> owners = new HashSet<>();
    for (List<@Nullable String> row : session.rows(OWNERS)) {
      owners.add(UUID.fromString(String.valueOf(row.get(0))));
    }
    return owners;
  }

  private static void drop(Connection session, String name) throws SQLException {
    long giveUp = System.nanoTime() + ENDING_MAX.toNanos();
    while (true) {
      try {
        run(session, DROP, name, name);
        return;
      } catch (SQLException e) {
        if (!OBJECT_IN_USE.equals(e.getSQLState()) || System.nanoTime() > giveUp) {
          throw e;
        }
        run(session, "select pg_catalog.pg_sleep(0.05)");
      }
    }
  }

  /**
   * As {@link #take(Connection, UUID)}.
   *
   * @throws OperatingFailure also if no origin or no slot of the server is free
   */
  public static void take(PgSession session, UUID configuration) {
    try {
      take(session.connection(), configuration);
      session.carriesOrigin();
    } catch (SQLException e) {
      throw PgFailures.of(e, OperatingFailure.Kind.TARGET, "replication origins");
    }
  }

  /**
   * Likewise, for a session that is not in a transaction.
   *
   * @throws OperatingFailure of the session's side, also if one of them is active
   */
  public static void drop(PgSession session, UUID configuration) {
    try {
      drop(session.connection(), configuration);
    } catch (SQLException e) {
      throw PgFailures.of(e, OperatingFailure.Kind.TARGET, "replication origins");
    }
  }

  private static List<String> names(UUID configuration) {
    List<String> names = new ArrayList<>();
    for (int i = 0; i < NAMES; i++) {
      names.add(prefix(configuration) + i);
    }
    return names;
  }

  private static void run(Connection session, String sql, String... parameters)
      throws SQLException {
    try (PreparedStatement statement = session.prepareStatement(sql)) {
      for (int i = 0; i < parameters.length; i++) {
        statement.setString(i + 1, parameters[i]);
      }
      statement.execute();
    }
  }
}
