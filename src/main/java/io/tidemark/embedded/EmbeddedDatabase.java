package io.tidemark.embedded;

import java.io.IOException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Pattern;
import org.postgresql.Driver;

/** The running PostgreSQL server of the embedded stack; it listens on 127.0.0.1 only. */
public final class EmbeddedDatabase {

  /** Superuser with the right to replicate; owner of every database here. */
  public static final String USERNAME = "tidemark";

  public static final String PASSWORD = "tidemark";

  /** The database of the metadata store. */
  public static final String STORE = "tidemark";

  public static final String SOURCE = "source";
  public static final String TARGET = "target";

  private static final System.Logger LOG = System.getLogger(EmbeddedDatabase.class.getName());

  private static final String MAINTENANCE = "postgres";

  /** Duplicate database; and unique violation, when two create the same one at once. */
  private static final Set<String> SQLSTATES_EXISTS = Set.of("42P04", "23505");

  private static final Pattern DATABASE_NAME = Pattern.compile("[a-z_][a-z0-9_]{0,62}");

  /** The server has just said it is ready; a loaded machine may still take a moment to answer. */
  private static final Duration CONNECT_BOUND = Duration.ofSeconds(30);

  private final PgServer server;
  private final ProcessHandle process;
  private final int port;
  private final AtomicBoolean closed = new AtomicBoolean();

  private EmbeddedDatabase(PgServer server, ProcessHandle process, int port) {
    this.server = server;
    this.process = process;
    this.port = port;
  }

  static EmbeddedDatabase start(DataDirectory directory, Ports ports, int configuredPort)
      throws IOException, SQLException {
    PgServer server = PgServer.prepare(directory, USERNAME, PASSWORD);
    // Only now: a server left behind by a killed process held the port until prepare stopped it.
    int port =
        ports.configuredOrFree("PostgreSQL", EmbeddedSettings.POSTGRES_PORT_KEY, configuredPort);
    EmbeddedDatabase database = new EmbeddedDatabase(server, server.start(port), port);
    try {
      for (String name : List.of(STORE, SOURCE, TARGET)) {
        database.createDatabase(name);
      }
    } catch (SQLException e) {
      try {
        server.stop();
      } catch (IOException | EmbeddedStackException suppressed) {
        e.addSuppressed(suppressed);
      }
      throw e;
    }
    LOG.log(
        System.Logger.Level.INFO,
        "PostgreSQL started (port={0}, directory={1})",
        Integer.toString(port),
        directory.root());
    return database;
  }

  public int port() {
    return port;
  }

  /** A complete JDBC URL, with user and password. */
  public String jdbcUrl(String database) {
    return "jdbc:postgresql://127.0.0.1:%d/%s?user=%s&password=%s"
        .formatted(port, requireName(database), USERNAME, PASSWORD);
  }

  /**
   * Makes a database unless it exists, and answers its complete JDBC URL.
   *
   * @param name lower-case letters, digits and underscores
   */
  public String createDatabase(String name) throws SQLException {
    requireName(name);
    try (Connection connection = connect()) {
      if (!exists(connection, name)) {
        create(connection, name);
      }
    }
    return jdbcUrl(name);
  }

  private Connection connect() throws SQLException {
    Properties properties = new Properties();
    properties.setProperty("connectTimeout", Long.toString(CONNECT_BOUND.toSeconds()));
    String url = jdbcUrl(MAINTENANCE);
    // Not through DriverManager, which finds drivers only in the class loader it was first used in.
    Connection connection = new Driver().connect(url, properties);
    if (connection == null) {
      throw new SQLException("The PostgreSQL driver does not accept its own URL");
    }
    return connection;
  }

  private static boolean exists(Connection connection, String name) throws SQLException {
    try (PreparedStatement statement =
        connection.prepareStatement("select 1 from pg_database where datname = ?")) {
      statement.setString(1, name);
      try (ResultSet rows = statement.executeQuery()) {
        return rows.next();
      }
    }
  }

  private static void create(Connection connection, String name) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      // The name needs no quoting: requireName lets only plain identifiers through, and the quotes
      // are for those that are keywords.
      statement.execute("create database \"" + name + "\"");
    } catch (SQLException e) {
      // Somebody else made it in between: just as good.
      String state = Objects.requireNonNullElse(e.getSQLState(), "");
      if (!SQLSTATES_EXISTS.contains(state)) {
        throw e;
      }
    }
  }

  private static String requireName(String database) {
    if (!DATABASE_NAME.matcher(database).matches()) {
      throw new IllegalArgumentException(
          "A database name here is lower-case letters, digits and underscores: " + database);
    }
    return database;
  }

  /** Why the server no longer runs although nobody stopped it. */
  public Optional<String> failure() {
    if (closed.get() || process.isAlive()) {
      return Optional.empty();
    }
    return Optional.of(
        "PostgreSQL (pid %d) has ended unexpectedly; see %s"
            .formatted(process.pid(), server.serverLog()));
  }

  void close() throws IOException {
    if (closed.compareAndSet(false, true)) {
      server.stop();
    }
  }
}
