package io.tidemark;

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
 * The embedded stack that the tests of one JVM share: started by the first that asks, on free
 * ports, and stopped when the JVM ends. Each test takes databases of its own.
 */
public final class TestStack {
  private static final AtomicInteger DATABASES = new AtomicInteger();

  private TestStack() {}

  private static final class Holder {
    private static final EmbeddedStack STACK = start();

    private static EmbeddedStack start() {
      Path data = Path.of("target", "test-stack-" + ProcessHandle.current().pid());
      EmbeddedStack stack =
          EmbeddedStack.start(new EmbeddedSettings(data, 0, 0), EnumSet.allOf(Part.class));
      Runtime.getRuntime().addShutdownHook(new Thread(stack::close, "stop test stack"));
      return stack;
    }
  }

  /** A new, empty database, under the name of a connection. */
  public static PgDatabase database(String connection) {
    try {
      String name = connection + "_" + DATABASES.incrementAndGet();
      String url = Holder.STACK.postgres().orElseThrow().createDatabase(name);
      return new PgDatabase(connection, url, null, null);
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Settings of a Kafka client for the stack's broker. */
  public static Map<String, Object> kafka() {
    return Map.of("bootstrap.servers", Holder.STACK.kafka().orElseThrow().bootstrapServers());
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
