package io.tidemark.capture;

import io.tidemark.change.OperatingFailure;
import io.tidemark.postgres.Lsn;
import io.tidemark.postgres.PgDatabase;
import java.net.InetSocketAddress;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import org.jspecify.annotations.Nullable;
import org.postgresql.Driver;
import org.postgresql.PGProperty;

/** What capture asks a source database once in a while, each time over a connection of its own. */
final class PgSource {
  /** The lead's session has a limit of its own for its silence. */
  private static final String IDLE_SESSION_ENDED = "57P05";

  private PgSource() {}

  /** A failure of the source, with its SQLSTATE for those who look it up. */
  static OperatingFailure failure(String what, SQLException cause) {
    return new OperatingFailure(
        OperatingFailure.Kind.SOURCE,
        "source_failed",
        what + ": " + cause.getMessage() + " (SQLSTATE " + cause.getSQLState() + ")",
        "Check that the source database is up and that the user may do this.",
        cause);
  }

  /** What the source database said, if that is what the failure comes down to. */
  static Optional<OperatingFailure> failureIn(Throwable failure) {
    for (Throwable at = failure; at != null; at = at.getCause()) {
      if (at instanceof SQLException sql && IDLE_SESSION_ENDED.equals(sql.getSQLState())) {
        return Optional.of(
            new OperatingFailure(
                OperatingFailure.Kind.CAPACITY,
                "silent_too_long",
                "this process said nothing to the source for "
                    + PgLeadership.SILENCE_SECONDS
                    + " s, so that another instance could have taken over",
                "It begins again by itself; if that happens often, the machine is too loaded, or"
                    + " stops the process for seconds.",
                failure));
      }
      if (at instanceof SQLException sql) {
        return Optional.of(
            new OperatingFailure(
                OperatingFailure.Kind.SOURCE,
                "source_failed",
                reason(sql),
                "Check that the source database is up and that the user may do this; it is tried"
                    + " again by itself.",
                failure));
      }
    }
    return Optional.empty();
  }

  /** What a failure comes down to: what the database said, else the innermost message. */
  static String reason(@Nullable Throwable failure) {
    String reason = "no cause given";
    for (Throwable at = failure; at != null; at = at.getCause()) {
      if (at instanceof SQLException sql) {
        return sql.getMessage() + " (SQLSTATE " + sql.getSQLState() + ")";
      }
      if (at.getMessage() != null) {
        reason = at.getClass().getSimpleName() + ": " + at.getMessage();
      }
    }
    return reason;
  }

  /** A publication and its tables as they are now. */
  static PgTrackedTables look(PgDatabase source, String publication) {
    try (Connection connection = source.open("capture publication")) {
      return PgTrackedTables.look(connection, publication);
    } catch (SQLException e) {
      throw failure("the tables of publication " + publication + " could not be read", e);
    }
  }

  /** The cluster's identity and its WAL's timeline. */
  static SlotGeneration generation(PgDatabase source, String slot) {
    try (Connection connection = source.openReplication("capture identity");
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery("IDENTIFY_SYSTEM")) {
      row.next();
      return new SlotGeneration(row.getString("systemid"), row.getLong("timeline"), slot);
    } catch (SQLException e) {
      throw failure("the source could not be identified", e);
    }
  }

  /** Emits a message that moves every capture of this database on, and answers its LSN. */
  static long mark(PgDatabase source) {
    try (Connection connection = source.open("capture mark")) {
      return emit(connection, CaptureNames.MARK);
    } catch (SQLException e) {
      throw failure("a mark could not be set", e);
    }
  }

  /**
   * Emits a message in a transaction of its own. Transactional, because others can be lost when
   * decoding starts again, and have no place in the order of commits.
   */
  static long emit(Connection connection, String prefix) throws SQLException {
    try (PreparedStatement statement =
        connection.prepareStatement(
            """
            select pg_catalog.pg_logical_emit_message(true, ?, '')::text
            """)) {
      statement.setString(1, prefix);
      try (ResultSet row = statement.executeQuery()) {
        row.next();
        return Lsn.parse(row.getString(1));
      }
    }
  }

  private static InetSocketAddress addressOf(PgDatabase source) {
    try {
      return source.address();
    } catch (SQLException e) {
      throw failure("none of the hosts of connection '" + source.connection() + "' answers", e);
    }
  }

  /** The database's address as Debezium wants it. */
  static Map<String, String> address(PgDatabase source) {
    Properties parsed = Driver.parseURL(source.url(), new Properties());
    if (parsed == null) {
      throw new OperatingFailure(
          OperatingFailure.Kind.USER,
          "url_invalid",
          "connection '" + source.connection() + "' has a JDBC URL that cannot be read",
          "Write jdbc:postgresql://host:port/database.",
          null);
    }
    Map<String, String> address = new HashMap<>();
    String[] hosts = PGProperty.PG_HOST.getOrDefault(parsed).split(",");
    String[] ports = PGProperty.PG_PORT.getOrDefault(parsed).split(",");
    if (hosts.length == 1) {
      address.put("database.hostname", hosts[0]);
      address.put("database.port", ports[0]);
    } else {
      // Debezium takes one host: the one to which the driver's own choice leads now. When that one
      // is no longer it, the engine ends, and the next one asks again.
      InetSocketAddress chosen = addressOf(source);
      address.put("database.hostname", chosen.getHostString());
      address.put("database.port", Integer.toString(chosen.getPort()));
    }
    address.put("database.dbname", PGProperty.PG_DBNAME.getOrDefault(parsed));
    for (String name : parsed.stringPropertyNames()) {
      if (!name.startsWith("PG") && !name.equals("user") && !name.equals("password")) {
        address.put("driver." + name, parsed.getProperty(name));
      }
    }
    String user = source.username() != null ? source.username() : parsed.getProperty("user");
    if (user != null) {
      address.put("database.user", user);
    }
    String password =
        source.password() != null ? source.password() : parsed.getProperty("password");
    if (password != null) {
      address.put("database.password", password);
    }
    return address;
  }
}
