package io.tidemark.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.TestStack;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.sync.SyncState;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.UUID;

/**
 * Tables that the tests of one class keep in step through one engine, since its start takes
 * seconds. Each test has tables of its own.
 */
final class KeptTables implements AutoCloseable {
  final EngineFixture fixture = new EngineFixture();
  private final Map<UUID, String> tables = new LinkedHashMap<>();

  KeptTables() {
    fixture.start();
  }

  void source(String sql) {
    TestStack.execute(fixture.source, sql);
  }

  void target(String sql) {
    TestStack.execute(fixture.target, sql);
  }

  void both(String sql) {
    source(sql);
    target(sql);
  }

  /** The server's major version, the same on both sides. */
  int serverMajor() {
    return TestStack.serverMajor(fixture.source);
  }

  /** Has tables flow into those of the same name. */
  void keep(String... names) {
    UUID[] made = new UUID[names.length];
    for (int i = 0; i < names.length; i++) {
      made[i] = create(names[i], "");
    }
    for (UUID one : made) {
      fixture.awaitState(one, SyncState.STREAMING);
    }
  }

  /** Likewise with more fields as JSON, with a comma. */
  UUID keepWith(String table, String more) {
    UUID made = create(table, more);
    fixture.awaitState(made, SyncState.STREAMING);
    return made;
  }

  private UUID create(String table, String more) {
    String quoted = table.replace("\"", "\\\"");
    UUID made =
        fixture.create(
            "kept_" + tables.size(),
            """
            , "source_table": "%1$s", "target_table": "%1$s"%2$s
            """
                .formatted(quoted, more));
    tables.put(made, table);
    return made;
  }

  /** Everything that was committed at the source has arrived, and nothing else. */
  void assertInStep(String... names) {
    for (String name : names) {
      assertAlike(name, "select * from " + name);
    }
  }

  /** Likewise, where the two tables are not to be alike in all columns. */
  void assertAlike(String table, String query) {
    UUID configuration = configuration(table);
    arrive(configuration);
    assertThat(rows(fixture.target, query))
        .as(() -> table + ", conflicts: " + fixture.conflicts(configuration))
        .isEqualTo(rows(fixture.source, query));
    assertUndisturbed(configuration);
  }

  /** Waits until everything that was committed at the source so far has been dealt with. */
  void arrive(UUID configuration) {
    Execution incremental =
        EngineFixture.value(
            fixture
                .service()
                .execute(configuration, ExecutionMode.INCREMENTAL, ExecutionTrigger.MANUAL));
    fixture.awaitCompleted(incremental.id());
  }

  void assertUndisturbed(UUID configuration) {
    assertThat(fixture.conflicts(configuration)).isEmpty();
    assertThat(fixture.find(configuration).rowsParked()).isZero();
  }

  UUID configuration(String table) {
    return tables.entrySet().stream()
        .filter(entry -> entry.getValue().equals(table))
        .findFirst()
        .orElseThrow()
        .getKey();
  }

  /** Short rows as they are, so that a failure shows them; a digest of what is long. */
  private static String rows(PgDatabase database, String query) {
    return TestStack.text(
        database,
        """
        select case when length(rows) < 2000 then rows else n || ' rows ' || md5(rows) end
        from (
          select count(*) as n, coalesce(string_agg(q::text, E'\\n' order by q::text), '') as rows
          from (%s) q) x
        """
            .formatted(query));
  }

  /** Copies a table in full beside its stream. */
  void copy(String table) {
    Execution full =
        EngineFixture.value(
            fixture
                .service()
                .execute(configuration(table), ExecutionMode.FULL, ExecutionTrigger.MANUAL));
    fixture.awaitCompleted(full.id());
  }

  @Override
  public void close() {
    fixture.close();
  }
}
