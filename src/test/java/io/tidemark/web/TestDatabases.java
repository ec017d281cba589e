package io.tidemark.web;

import io.quarkus.test.common.QuarkusTestResourceLifecycleManager;
import io.tidemark.TestSessions;
import io.tidemark.TestStack;
import io.tidemark.embedded.EmbeddedDatabase;
import io.tidemark.embedded.EmbeddedSettings;
import io.tidemark.embedded.EmbeddedStack;
import io.tidemark.embedded.EmbeddedStack.Part;
import io.tidemark.embedded.SharedPrograms;
import io.tidemark.postgres.PgDatabase;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.Map;

/**
 * A PostgreSQL for one application, with the databases store, source and target. It records no
 * times of commits, so that no conflict can be told by the origin of a row.
 */
public final class TestDatabases implements QuarkusTestResourceLifecycleManager {
  /** A superuser, with a password to look for in answers. */
  private static final String USER = "operator";

  private static final String PASSWORD = "sEcReT";

  private static EmbeddedStack stack;

  @Override
  public Map<String, String> start() {
    EmbeddedSettings place = new EmbeddedSettings(directory(), 0, 0);
    stack = EmbeddedStack.start(place, EnumSet.of(Part.POSTGRES));
    TestStack.execute(
        new PgDatabase("store", url("store"), EmbeddedDatabase.USERNAME, EmbeddedDatabase.PASSWORD),
        "set scram_iterations = 1; create role %s superuser login password '%s'"
            .formatted(USER, PASSWORD));
    execute(
        "store", "alter system set track_commit_timestamp = off", "alter system set fsync = off");
    stack.close();
    stack = EmbeddedStack.start(place, EnumSet.of(Part.POSTGRES));
    Map<String, String> settings = new HashMap<>();
    settings.put("quarkus.datasource.jdbc.url", url("store"));
    settings.put("quarkus.datasource.username", USER);
    settings.put("quarkus.datasource.password", PASSWORD);
    // One with its password in the URL, one without: neither may be shown.
    settings.put(
        "tidemark.connections.source.url",
        url("source") + "?user=" + USER + "&password=" + PASSWORD);
    settings.put("tidemark.connections.target.url", url("target"));
    settings.put("tidemark.connections.target.username", USER);
    settings.put("tidemark.connections.target.password", PASSWORD);
    settings.put("tidemark.connections.dead.url", "jdbc:postgresql://localhost:1/nowhere");
    settings.put("tidemark.connections.dead.username", "nobody");
    settings.put("tidemark.connections.dead.password", PASSWORD);
    settings.put("tidemark.secret-key", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=");
    settings.put("quarkus.http.test-port", "0");
    return settings;
  }

  private static Path directory() {
    try {
      Path parent = Files.createDirectories(Path.of("target", "web-data").toAbsolutePath());
      Path directory = Files.createTempDirectory(parent, "stack-");
      SharedPrograms.linkInto(directory);
      return directory;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The JDBC URL of one of the databases, without user and password. */
  static String url(String database) {
    return "jdbc:postgresql://127.0.0.1:%d/%s"
        .formatted(stack.postgres().orElseThrow().port(), name(database));
  }

  private static String name(String database) {
    return database.equals("store") ? EmbeddedDatabase.STORE : database;
  }

  private static PgDatabase database(String name) {
    return new PgDatabase(name, url(name), USER, PASSWORD);
  }

  /** Runs statements in one of the databases. */
  static void execute(String database, String... statements) {
    try {
      TestSessions.with(
          database(database),
          statement -> {
            for (String sql : statements) {
              statement.execute(sql);
            }
            return statements.length;
          });
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The first column of the first row, as text. */
  static String text(String database, String sql) {
    return TestStack.text(database(database), sql);
  }

  @Override
  public void stop() {
    if (stack != null) {
      stack.close();
    }
  }
}
