package io.tidemark;

import io.tidemark.postgres.PgDatabase;
import java.util.UUID;
import org.flywaydb.core.Flyway;
import org.jdbi.v3.core.Jdbi;

/** A migrated metadata database of its own, in the shared stack. */
public final class TestStore {
  private static PgDatabase template;

  public final PgDatabase database = migrated();
  public final Jdbi jdbi;

  public TestStore() {
    jdbi = Jdbi.create(() -> database.open("store"));
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
