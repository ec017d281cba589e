package io.tidemark.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.Await;
import io.tidemark.TestStack;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.sync.ConnectionDefinition;
import io.tidemark.sync.Outcome;
import io.tidemark.sync.Refusal;
import io.tidemark.sync.SyncState;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Two configurations write one table only where neither undoes what the other writes. */
@Tag("engine")
class SharedTargetTest {
  private static final String INTO_T = ", \"target_table\": \"t\"";
  private static final String IGNORE = ", \"delete_handling\": \"ignore\"";
  private static final String MERGE = ", \"sync_strategy\": \"merge\"";

  private final EngineFixture fixture = new EngineFixture();

  @BeforeEach
  void tables() {
    for (PgDatabase database : List.of(fixture.source, fixture.target)) {
      for (String table : List.of("t", "u", "v")) {
        TestStack.execute(
            database, "create table %s (id int primary key, v text)".formatted(table));
      }
    }
    TestStack.execute(
        fixture.source, "insert into t values (1, 't'); insert into u values (2, 'u')");
    fixture.start();
  }

  @AfterEach
  void close() {
    fixture.close();
  }

  @Test
  void theSecondOneIsRefusedAndTheFirstOneNamed() {
    fixture.create("t", "");

    assertThat(refusalOf("u", INTO_T)).contains("configuration 't'").contains("delete_handling");
    assertThat(refusalOf("u", INTO_T + IGNORE)).contains("configuration 't'");
    assertThat(refusalOf("u", INTO_T + MERGE)).contains("configuration 't'");
    assertThat(refusalOf("u", INTO_T + ", \"sync_strategy\": \"full\"")).contains("'t'");
    assertThat(refusalOf("u", ", \"target_table\": \"public.T\"")).contains("'t'");
  }

  @Test
  void underAnotherConnectionsName() {
    String url = fixture.target.url();
    EngineFixture.value(
        fixture
            .connections()
            .create(
                new ConnectionDefinition(
                    "alias",
                    url.replaceAll("\\?.*", "").replace("127.0.0.1", "localhost"),
                    url.replaceAll(".*[?&]user=([^&]*).*", "$1"),
                    url.replaceAll(".*[?&]password=([^&]*).*", "$1"))));
    fixture.create("t", "");

    assertThat(refusalOf("u", INTO_T + ", \"target_connection\": \"alias\"")).contains("'t'");
  }

  @Test
  void aPartitionOfTheTable() {
    TestStack.execute(
        fixture.target,
        "create table p (id int primary key, v text) partition by range (id);"
            + "create table p1 partition of p for values from (0) to (100);"
            + "create table p2 partition of p for values from (100) to (200)");
    UUID t = fixture.create("t", ", \"target_table\": \"p\"");

    assertThat(refusalOf("u", ", \"target_table\": \"p1\"")).contains("'t'");

    EngineFixture.value(fixture.service().delete(t, null));
    fixture.create("u", ", \"target_table\": \"p1\"");
    assertThat(refusalOf("t", ", \"target_table\": \"p\"")).contains("'u'");
    assertThat(refusalOf("t", ", \"target_table\": \"p2\"")).isEmpty();
  }

  @Test
  void theSourceOfAnotherOneThatFlowsBothWays() {
    fixture.create("t", MERGE + ", \"bidirectional\": true");

    assertThat(
            refusalOf(
                "u",
                ", \"target_connection\": \"source\", \"target_table\": \"t\","
                    + " \"source_connection\": \"target\""))
        .contains("'t'");
  }

  @Test
  void aChangeToATakenTable() {
    fixture.create("t", "");
    UUID u = fixture.create("u", "");

    assertThat(
            text(
                fixture.service().change(u, null, before -> EngineFixture.definition("u", INTO_T))))
        .contains("'t'");
    assertThat(fixture.find(u).configuration().version()).isEqualTo(1);
    fixture.change(u, "u", ", \"batch_size\": 10");
  }

  @Test
  void mergesShareATable() {
    UUID t = fixture.create("t", MERGE);
    UUID u = fixture.create("u", MERGE + INTO_T);
    assertBothFlow(t, u);
  }

  @Test
  void configurationsThatDeleteNothingShareATable() {
    UUID t = fixture.create("t", IGNORE);
    fixture.awaitState(t, SyncState.STREAMING);
    UUID u = fixture.create("u", IGNORE + INTO_T);
    assertBothFlow(t, u);
    TestStack.execute(fixture.source, "delete from t where id = 1");
    assertBothFlow(t, u);
  }

  private void assertBothFlow(UUID t, UUID u) {
    Await.until(() -> rows().equals("1t,2u"));
    fixture.awaitState(t, SyncState.STREAMING);
    fixture.awaitState(u, SyncState.STREAMING);
    for (UUID one : List.of(t, u)) {
      assertThat(text(fixture.service().execute(one, ExecutionMode.FULL, ExecutionTrigger.MANUAL)))
          .contains("use merge");
      fixture.awaitCompleted(
          EngineFixture.value(
                  fixture.service().execute(one, ExecutionMode.MERGE, ExecutionTrigger.MANUAL))
              .id());
    }
    assertThat(rows()).isEqualTo("1t,2u");
  }

  private String rows() {
    return TestStack.text(fixture.target, "select string_agg(id || v, ',' order by id) from t");
  }

  private String refusalOf(String table, String more) {
    return text(EngineFixture.definition(table, more).then(fixture.service()::create));
  }

  private static String text(Outcome<?> outcome) {
    return outcome.refusal().map(Refusal::detail).orElse("");
  }
}
