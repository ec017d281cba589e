package io.tidemark;

import io.agroal.api.AgroalDataSource;
import io.agroal.api.configuration.supplier.AgroalDataSourceConfigurationSupplier;
import io.tidemark.postgres.PgDatabase;
import java.sql.SQLException;
import java.time.Duration;
import java.util.UUID;
import org.flywaydb.core.Flyway;
import org.jdbi.v3.core.Jdbi;

/** A migrated metadata database of its own, in the shared stack. */
public final class TestStore {
  /** More than ever ask the store at once. */
  private static final int SESSIONS = 20;

  /** A store that is not asked any more leaves the server its sessions. */
  private static final Duration IDLE_MAX = Duration.ofSeconds(10);

  private static PgDatabase template;

  public final PgDatabase database = migrated();
  public final Jdbi jdbi;

  public TestStore() {
    jdbi = Jdbi.create(pool(database));
  }

  /** As in the program: a session for each question would cost more than the questions. */
  public static AgroalDataSource pool(PgDatabase store) {
    try {
      return AgroalDataSource.from(
          new AgroalDataSourceConfigurationSupplier()
              .connectionPoolConfiguration(
                  pool ->
                      pool.maxSize(SESSIONS)
                          .reapTimeout(IDLE_MAX)
                          .connectionFactoryConfiguration(one -> one.jdbcUrl(store.url()))));
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  /** An empty store: a copy of one that is migrated once, because hundreds of tests want one. */
  public static synchronized PgDatabase migrated() {
    if (template == null) {
      PgDatabase first = TestStack.database("store");
      Flyway.configure().dataSource(first.url(), null, null).load().migrate();
      template = first;
    }
    return TestStack.copyOf(template);
  }

  /** A copy of a store, to which no session may be open. */
  public static PgDatabase copy(PgDatabase store) {
    return Await.untilSucceeds(IllegalStateException.class, () -> TestStack.copyOf(store));
  }

  /** Makes a store, to which no session may be open, a copy of another one. */
  public static void replace(PgDatabase store, PgDatabase by) {
    String name = TestStack.name(store);
    TestStack.administer("drop database \"" + name + "\" with (force)");
    TestStack.administer(
        "create database \"" + name + "\" template \"" + TestStack.name(by) + "\"");
  }

  /** A configuration to which records may belong; its definition is not one that runs. */
  public UUID configuration() {
    UUID id = UUID.randomUUID();
    TestStack.execute(
        database,
        """
        insert into sync_configurations
          (id, definition, version, paused, state, created_at, updated_at)
        values ('%1$s', '{"name": "%1$s", "source_table": "a", "target_table": "b",
                "source_connection": "source", "target_connection": "target",
                "sync_strategy": "incremental", "enabled": true}', 1, false, 'idle', now(), now())
        """
            .formatted(id));
    return id;
  }

  public String text(String sql) {
    return TestStack.text(database, sql);
  }
}
