package io.tidemark;

import io.tidemark.embedded.EmbeddedDatabase;
import io.tidemark.embedded.EmbeddedSettings;
import io.tidemark.embedded.EmbeddedStack;
import io.tidemark.embedded.EmbeddedStack.Part;
import io.tidemark.postgres.PgDatabase;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.EnumSet;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The servers that the tests of one JVM share: started by the first that asks, on free ports, and
 * stopped when the JVM ends. Each test takes databases of its own. They are the embedded stack, or
 * with {@code -Dtidemark.it=containers} containers.
 */
public final class TestStack {
  private static final AtomicInteger DATABASES = new AtomicInteger();

  private TestStack() {}

  /** A PostgreSQL and a broker. */
  interface Servers {
    /** Makes a database and answers its complete JDBC URL. */
    String createDatabase(String name) throws SQLException;

    String bootstrapServers();
  }

  private record Embedded(EmbeddedStack stack) implements Servers {
    static Embedded start() {
      Path data = Path.of("target", "test-stack-" + ProcessHandle.current().pid());
      EmbeddedStack stack =
          EmbeddedStack.start(new EmbeddedSettings(data, 0, 0), EnumSet.allOf(Part.class));
      Runtime.getRuntime().addShutdownHook(new Thread(stack::close, "stop test stack"));
      Embedded servers = new Embedded(stack);
      servers.shortenLogin();
      return servers;
    }

    /** Tests open sessions by the hundred; thousands of rounds of a hash for each would show. */
    private void shortenLogin() {
      try {
        PgDatabase database = new PgDatabase("test", createDatabase("login"), null, null);
        if (serverMajor(database) >= 16) {
          execute(
              database,
              "set scram_iterations = 1; alter role current_user password '"
                  + EmbeddedDatabase.PASSWORD
                  + "'");
        }
      } catch (SQLException e) {
        throw new IllegalStateException(e);
      }
    }

    @Override
    public String createDatabase(String name) throws SQLException {
      return stack.postgres().orElseThrow().createDatabase(name);
    }

    @Override
    public String bootstrapServers() {
      return stack.kafka().orElseThrow().bootstrapServers();
    }
  }

  private static Servers servers;

  private static synchronized Servers servers() {
    if (servers == null) {
      servers =
          "containers".equals(System.getProperty("tidemark.it"))
              ? ContainerStack.start()
              : Embedded.start();
    }
    return servers;
  }

  /** A new, empty database, under the name of a connection. */
  public static PgDatabase database(String connection) {
    try {
      String name = connection + "_" + DATABASES.incrementAndGet();
      String url = servers().createDatabase(name);
      return new PgDatabase(connection, url, null, null);
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  /** A new database that holds what another one does, to which no session may be open. */
  static PgDatabase copyOf(PgDatabase template) {
    String from = text(template, "select current_database()");
    String to = template.connection() + "_" + DATABASES.incrementAndGet();
    execute(
        inDatabase(template, "postgres"),
        "create database \"%s\" template \"%s\"".formatted(to, from));
    return inDatabase(template, to);
  }

  private static PgDatabase inDatabase(PgDatabase database, String name) {
    String url = database.url().replaceFirst("/[a-z0-9_]+\\?", "/" + name + "?");
    return new PgDatabase(database.connection(), url, null, null);
  }

  /** Settings of a Kafka client for the stack's broker. */
  public static Map<String, Object> kafka() {
    return Map.of("bootstrap.servers", servers().bootstrapServers());
  }

  /** Runs a script of statements. */
  public static void execute(PgDatabase database, String sql) {
    try (Connection connection = database.open("test");
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The release of a database's server. */
  public static int serverMajor(PgDatabase database) {
    return Integer.parseInt(
        text(database, "select current_setting('server_version_num')::int / 10000"));
  }

  /** The first column of the first row, as text. */
  public static String text(PgDatabase database, String sql) {
    try (Connection connection = database.open("test");
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(sql)) {
      if (!row.next()) {
        throw new IllegalStateException("no row: " + sql);
      }
      return String.valueOf(row.getString(1));
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }
}
