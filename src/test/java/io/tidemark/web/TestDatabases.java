package io.tidemark.web;

import io.quarkus.test.common.QuarkusTestResourceLifecycleManager;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HashMap;
import java.util.Map;

/** A real PostgreSQL with the databases store, source and target. */
public final class TestDatabases implements QuarkusTestResourceLifecycleManager {
  private static EmbeddedPostgres postgres;

  @Override
  public Map<String, String> start() {
    try {
      postgres =
          EmbeddedPostgres.builder()
              .setServerConfig("wal_level", "logical")
              .setServerConfig("timezone", "Asia/Kolkata")
              .start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    execute("postgres", "create database store");
    execute("postgres", "create database source");
    execute("postgres", "create database target");
    Map<String, String> settings = new HashMap<>();
    settings.put("quarkus.datasource.jdbc.url", url("store"));
    settings.put("quarkus.datasource.username", "postgres");
    settings.put("tidemark.connections.source.url", url("source") + "&password=sEcReT");
    settings.put("tidemark.connections.target.url", url("target"));
    settings.put("tidemark.connections.dead.url", "jdbc:postgresql://localhost:1/nowhere");
    settings.put("tidemark.connections.dead.username", "nobody");
    settings.put("tidemark.connections.dead.password", "sEcReT");
    settings.put("tidemark.secret-key", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=");
    settings.put("quarkus.http.test-port", "0");
    return settings;
  }

  static String url(String database) {
    return postgres.getJdbcUrl("postgres", database);
  }

  static int port() {
    return postgres.getPort();
  }

  /** Runs statements in one of the databases. */
  static void execute(String database, String... statements) {
    try (Connection connection = postgres.getDatabase("postgres", database).getConnection();
        Statement statement = connection.createStatement()) {
      for (String sql : statements) {
        statement.execute(sql);
      }
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The first column of the first row, as text. */
  static String text(String database, String sql) {
    try (Connection connection = postgres.getDatabase("postgres", database).getConnection();
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(sql)) {
      row.next();
      return String.valueOf(row.getString(1));
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void stop() {
    try {
      if (postgres != null) {
        postgres.close();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
