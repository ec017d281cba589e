package io.tidemark.postgres;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.Properties;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGConnection;
import org.postgresql.PGProperty;

/**
 * A database that Tidemark may connect to.
 *
 * @param connection the name that configurations use for it
 * @param url JDBC URL; may itself carry user and password
 * @param username null if the URL carries it
 * @param password null if the URL carries it or none is needed
 */
public record PgDatabase(
    String connection, String url, @Nullable String username, @Nullable String password) {
  /** Seconds to wait for a server that does not answer; a user waits behind some of these calls. */
  private static final String CONNECT_SECONDS = "10";

  public PgDatabase {
    if (!url.startsWith("jdbc:postgresql:")) {
      throw new IllegalArgumentException(
          "connection '" + connection + "': a JDBC URL starts with jdbc:postgresql:");
    }
  }

  /** A session for statements. {@code purpose} shows in {@code pg_stat_activity}. */
  public Connection open(String purpose) throws SQLException {
    return DriverManager.getConnection(url, properties(purpose));
  }

  /** A session that speaks the replication protocol. */
  public Connection openReplication(String purpose) throws SQLException {
    Properties properties = properties(purpose);
    PGProperty.REPLICATION.set(properties, "database");
    PGProperty.ASSUME_MIN_SERVER_VERSION.set(properties, "15");
    PGProperty.PREFER_QUERY_MODE.set(properties, "simple");
    return DriverManager.getConnection(url, properties);
  }

  /** pgjdbc's own view of a session. */
  public static PGConnection pg(Connection connection) throws SQLException {
    return connection.unwrap(PGConnection.class);
  }

  private Properties properties(String purpose) {
    Properties properties = new Properties();
    if (username != null) {
      PGProperty.USER.set(properties, username);
    }
    if (password != null) {
      PGProperty.PASSWORD.set(properties, password);
    }
    PGProperty.APPLICATION_NAME.set(properties, "tidemark " + purpose);
    PGProperty.CONNECT_TIMEOUT.set(properties, CONNECT_SECONDS);
    PGProperty.TCP_KEEP_ALIVE.set(properties, true);
    // The detail of a constraint violation is the row's values: they stay out of messages and logs.
    PGProperty.LOG_SERVER_ERROR_DETAIL.set(properties, false);
    return properties;
  }

  /** Without the password, and without the URL, which may hold it too. */
  @Override
  public String toString() {
    return "PgDatabase[" + connection + "]";
  }
}
