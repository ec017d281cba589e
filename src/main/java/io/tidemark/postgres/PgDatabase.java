package io.tidemark.postgres;

import java.net.InetSocketAddress;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Objects;
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

  private static final Duration ADDRESS_MAX = Duration.ofSeconds(10);

  public PgDatabase {
    if (!url.startsWith("jdbc:postgresql:")) {
      throw new IllegalArgumentException(
          "connection '" + connection + "': a JDBC URL starts with jdbc:postgresql:");
    }
  }

  /** A session for statements. {@code purpose} shows in {@code pg_stat_activity}. */
  public Connection open(String purpose) throws SQLException {
    return connect(properties(purpose));
  }

  /** A session for small questions: each answer, and the sign-in, has to come in time. */
  public Connection open(String purpose, Duration answerMax) throws SQLException {
    return openUnwatched(purpose, answerMax).session();
  }

  /**
   * Where a session leads to now, for a URL that names several hosts.
   *
   * @return host and port
   */
  public InetSocketAddress address() throws SQLException {
    Unwatched opened = openUnwatched("address", ADDRESS_MAX);
    try (Connection session = opened.session()) {
      if (opened.socket() != null
          && opened.socket().getRemoteSocketAddress() instanceof InetSocketAddress address) {
        return address;
      }
      throw new SQLException("a session has no address: " + session, "08000");
    }
  }

  /** One that nobody looks after: each answer has to come in time. */
  Unwatched openUnwatched(String purpose, Duration answerMax) throws SQLException {
    Properties properties = properties(purpose);
    PGProperty.CONNECT_TIMEOUT.set(properties, (int) answerMax.toSeconds());
    PGProperty.SOCKET_TIMEOUT.set(properties, (int) answerMax.toSeconds());
    Connection session = DriverManager.getConnection(url, properties);
    PgSocket socket = PgSocketFactory.takeLast();
    if (socket != null) {
      PgLifeline.serve(this, socket, pg(session).getBackendPID());
    }
    return new Unwatched(session, socket);
  }

  record Unwatched(Connection session, @Nullable PgSocket socket) {
    /** Whether it leads to the address that another session's socket leads to. */
    boolean isOf(PgSocket other) {
      return socket != null
          && Objects.equals(socket.getRemoteSocketAddress(), other.getRemoteSocketAddress());
    }
  }

  private Connection connect(Properties properties) throws SQLException {
    Connection session = DriverManager.getConnection(url, properties);
    lookAfter(session, () -> {});
    return session;
  }

  /**
   * Ends the time limit that a session had for its sign-in, and cuts it off from now on if the
   * server does not work for it. For a session that the calling thread has just opened, with a
   * socket of {@link PgSocketFactory}.
   *
   * @param afterCut is run once it was cut off
   */
  public void lookAfter(Connection session, Runnable afterCut) throws SQLException {
    PgSocket socket = PgSocketFactory.takeLast();
    session.setNetworkTimeout(Runnable::run, 0);
    if (socket != null) {
      socket.whenCut(afterCut);
      PgLifeline.serve(this, socket, pg(session).getBackendPID());
      PgLifeline.watch(this, socket);
    }
  }

  /** A session that speaks the replication protocol. */
  public Connection openReplication(String purpose) throws SQLException {
    Properties properties = properties(purpose);
    PGProperty.REPLICATION.set(properties, "database");
    PGProperty.ASSUME_MIN_SERVER_VERSION.set(properties, "15");
    PGProperty.PREFER_QUERY_MODE.set(properties, "simple");
    return connect(properties);
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
    // Until the session is there.
    PGProperty.SOCKET_TIMEOUT.set(properties, CONNECT_SECONDS);
    PGProperty.SOCKET_FACTORY.set(properties, PgSocketFactory.class.getName());
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
