package io.tidemark;

import io.tidemark.postgres.PgDatabase;
import java.util.UUID;
import org.flywaydb.core.Flyway;
import org.jdbi.v3.core.Jdbi;

/** A migrated metadata database of its own, in the shared stack. */
public final class TestStore {
  public final PgDatabase database = TestStack.database("store");
  public final Jdbi jdbi;

  public TestStore() {
    Flyway.configure().dataSource(database.url(), null, null).load().migrate();
    jdbi = Jdbi.create(() -> database.open("store"));
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
