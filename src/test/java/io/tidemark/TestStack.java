package io.tidemark;

import io.tidemark.embedded.EmbeddedDatabase;
import io.tidemark.embedded.EmbeddedSettings;
import io.tidemark.embedded.EmbeddedStack;
import io.tidemark.embedded.EmbeddedStack.Part;
import io.tidemark.embedded.SharedPrograms;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.postgres.PgOrigins;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The servers that the tests of one JVM share: started by the first test that asks, on free ports,
 * and stopped when the JVM ends. Each test takes databases of its own. They are the embedded stack,
 * or with {@code -Dtidemark.it=containers} containers.
 *
 * <p>A test that changes a setting of the whole server, or uses up something that the server has
 * for all, must be {@code @Isolated}: other classes run at the same time.
 */
public final class TestStack {
  private static final AtomicInteger DATABASES = new AtomicInteger();

  private TestStack() {}

  /** A PostgreSQL and a broker. */
  interface Servers {
    /** The complete JDBC URL of a database. */
    String url(String database);

    String bootstrapServers();
  }

  private record Embedded(EmbeddedStack stack) implements Servers {
    static Embedded start() {
      Path data = Path.of("target", "test-stack-" + ProcessHandle.current().pid());
      try {
        SharedPrograms.linkInto(data);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      EmbeddedStack stack =
          EmbeddedStack.start(new EmbeddedSettings(data, 0, 0), EnumSet.allOf(Part.class));
      Runtime.getRuntime().addShutdownHook(new Thread(stack::close, "stop test stack"));
      Embedded servers = new Embedded(stack);
      servers.tune();
      return servers;
    }

    /**
     * Nothing here outlives the JVM, so nothing waits for a disk; tests that kill a server have one
     * of their own. Tests open sessions by the hundred; thousands of rounds of a hash for each
     * would show.
     */
    private void tune() {
      PgDatabase database = new PgDatabase("test", url("postgres"), null, null);
      for (String setting : List.of("fsync", "full_page_writes", "autovacuum")) {
        execute(database, "alter system set " + setting + " = off");
      }
      execute(database, "select pg_reload_conf()");
      if (serverMajor(database) >= 16) {
        execute(
            database,
            "set scram_iterations = 1; alter role current_user password '"
                + EmbeddedDatabase.PASSWORD
                + "'");
      }
    }

    @Override
    public String url(String database) {
      return stack.postgres().orElseThrow().jdbcUrl(database);
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

  /** Runs a statement that is not for one of the tests' databases. */
  static void administer(String sql) {
    execute(new PgDatabase("test", servers().url("postgres"), null, null), sql);
  }

  /** A new, empty database, under the name of a connection. */
  public static PgDatabase database(String connection) {
    return created(connection, "");
  }

  private static PgDatabase created(String connection, String template) {
    String name = connection + "_" + DATABASES.incrementAndGet();
    // Not through the WAL, which every capture at this server would have to read.
    administer("create database \"" + name + "\"" + template + " strategy file_copy");
    return new PgDatabase(connection, servers().url(name), null, null);
  }

  /** A new database that holds what another one does, to which no session may be open. */
  static PgDatabase copyOf(PgDatabase template) {
    try {
      TestSessions.end(template);
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
    return created(template.connection(), " template \"" + name(template) + "\"");
  }

  /** A database's name at its server. */
  public static String name(PgDatabase database) {
    return database.url().replaceFirst("^.*/([^/?]+)([?].*)?$", "$1");
  }

  /** Drops a database's replication slots: the server has room for some dozens. */
  public static void dropSlots(PgDatabase database) {
    String slots = " from pg_replication_slots where database = current_database()";
    Await.until(
        () -> text(database, "select count(*)" + slots + " and active"),
        count -> count.equals("0"));
    execute(database, "select pg_drop_replication_slot(slot_name)" + slots);
  }

  /** Drops the replication origins of a configuration: they belong to the server, which has few. */
  public static void dropOrigins(PgDatabase database, UUID configuration) {
    try {
      TestSessions.with(
          database,
          statement -> {
            PgOrigins.drop(statement.getConnection(), configuration);
            return null;
          });
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Settings of a Kafka client for the stack's broker. */
  public static Map<String, Object> kafka() {
    return Map.of("bootstrap.servers", servers().bootstrapServers());
  }

  /** Runs a script of statements. */
  public static void execute(PgDatabase database, String sql) {
    try {
      TestSessions.with(database, statement -> statement.execute(sql));
      if (sql.contains("alter database") || sql.contains("alter role")) {
        // A session keeps the settings that it began with.
        TestSessions.end(database);
      }
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
    try {
      return TestSessions.with(
          database,
          statement -> {
            ResultSet row = statement.executeQuery(sql);
            if (!row.next()) {
              throw new IllegalStateException("no row: " + sql);
            }
            return String.valueOf(row.getString(1));
          });
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }
}
