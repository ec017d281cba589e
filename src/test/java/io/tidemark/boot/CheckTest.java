package io.tidemark.boot;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.tidemark.TestStack;
import io.tidemark.TestStore;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.run.Acceptance;
import io.tidemark.sync.ConnectionRegistry;
import io.tidemark.sync.JdbcConnections;
import io.tidemark.sync.JdbcSyncConfigurations;
import io.tidemark.sync.PgConnectionCheck;
import io.tidemark.sync.PgPreFlight;
import io.tidemark.sync.SyncDefinitionJson;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;

@Tag("database")
@Isolated("takes all replication origins of the server")
final class CheckTest {
  private static final TestStore STORE = new TestStore();
  private static final PgDatabase SOURCE = TestStack.database("source");
  private static final PgDatabase TARGET = TestStack.database("target");

  private final JdbcSyncConfigurations configurations =
      new JdbcSyncConfigurations(STORE.jdbi, Clock.systemUTC(), UUID::randomUUID);
  private final ByteArrayOutputStream printed = new ByteArrayOutputStream();

  @BeforeEach
  void configuration() throws Exception {
    for (PgDatabase database : List.of(SOURCE, TARGET)) {
      TestStack.execute(
          database,
          "drop table if exists users, notes; create table users (id bigint primary key)");
    }
    STORE.jdbi.useHandle(handle -> handle.execute("delete from sync_configurations"));
    ObjectNode json =
        (ObjectNode)
            new ObjectMapper()
                .readTree(
                    """
                    {"name": "users_sync", "source_table": "users", "target_table": "users",
                     "sync_strategy": "incremental"}
                    """);
    configurations
        .create(
            SyncDefinitionJson.read(json)
                .orElseThrow(refusal -> new IllegalArgumentException(refusal.detail())))
        .orElseThrow();
  }

  private boolean passes() {
    ConnectionRegistry connections =
        new ConnectionRegistry(
            Map.of("source", SOURCE, "target", TARGET),
            new JdbcConnections(STORE.jdbi, Clock.systemUTC()),
            configurations,
            new PgConnectionCheck(Clock.systemUTC(), name -> name),
            null);
    Acceptance acceptance = new Acceptance(connections, new PgPreFlight(name -> name));
    PrintStream out = new PrintStream(printed, true, StandardCharsets.UTF_8);
    return new Check(
            connections, configurations, acceptance, TestStack.kafka(), Optional.empty(), out)
        .passes(RunMode.CHECK);
  }

  private String printed() {
    return printed.toString(StandardCharsets.UTF_8);
  }

  @Test
  void showsTheWarningsOfAConfigurationAndPasses() {
    TestStack.execute(TARGET, "create table notes (id bigint references users)");

    assertThat(passes()).isTrue();

    assertThat(printed())
        .contains("warn  configuration users_sync", "rows of public.notes refer to public.users")
        .contains("ok    configuration users_sync", "check: all would work");
  }

  @Test
  void failsForAnError() {
    TestStack.execute(TARGET, "drop table users");

    assertThat(passes()).isFalse();

    assertThat(printed())
        .contains("FAIL  configuration users_sync", "there is no table public.users")
        .contains("check: something would fail");
  }

  @Test
  void saysWhatWouldTellConflictsBetter() {
    String origins =
        """
        select pg_replication_origin_create('foreign_' || g)
        from generate_series(
          1,
          coalesce(
            current_setting('max_active_replication_origins', true),
            current_setting('max_replication_slots'))::int) g
        """;
    TestStack.execute(TARGET, origins);
    try {
      assertThat(passes()).isTrue();

      assertThat(printed())
          .contains(
              "conflicts are told by existence", "origin: raise max_active_replication_origins");
    } finally {
      TestStack.execute(
          TARGET,
          """
          select pg_replication_origin_drop(roname)
          from pg_replication_origin
          where roname like 'foreign\\_%'
          """);
    }
  }
}
