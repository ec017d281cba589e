package io.tidemark.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.Await;
import io.tidemark.TestStack;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.sync.SyncState;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Changes that flow both ways, from the databases' logs to the rows. */
@Tag("oldest-postgres")
@Tag("engine")
class BothWaysTest {
  /** Who wrote the rows last, but for those that are written to see that all else has arrived. */
  private static final String WRITERS =
      "select string_agg(id || ':' || xmin::text, ',' order by id) from t where id < 1000";

  @Test
  void reachTheOtherSideAndDoNotComeBack() {
    try (EngineFixture fixture = new EngineFixture()) {
      String table = "create table t (id int primary key, v text);";
      TestStack.execute(fixture.source, table + "insert into t values (1, 'a'), (2, 'b')");
      TestStack.execute(fixture.target, table + "insert into t values (2, 'b'), (3, 'c')");
      fixture.start();
      UUID t = fixture.create("t", ", \"sync_strategy\": \"merge\", \"bidirectional\": true");
      fixture.awaitState(t, SyncState.STREAMING);
      fixture.awaitEqual("t");

      TestStack.execute(fixture.source, "update t set v = 'here' where id in (1, 3)");
      TestStack.execute(fixture.target, "update t set v = 'there' where id = 2");
      TestStack.execute(fixture.target, "insert into t values (4, 'there'), (5, 'there')");
      fixture.awaitEqual("t");
      String atSource = TestStack.text(fixture.source, WRITERS);
      String atTarget = TestStack.text(fixture.target, WRITERS);
      for (int i = 1000; i < 1003; i++) {
        arrives(i, fixture.source, fixture.target);
        arrives(i + 1000, fixture.target, fixture.source);
      }

      assertThat(TestStack.text(fixture.source, WRITERS)).isEqualTo(atSource);
      assertThat(TestStack.text(fixture.target, WRITERS)).isEqualTo(atTarget);
      assertThat(TestStack.text(fixture.source, "select string_agg(v, ',' order by id) from t"))
          .startsWith("here,there,here,there,there");
      assertThat(fixture.conflicts(t)).isEmpty();
    }
  }

  @ParameterizedTest
  @CsvSource({"source, 1:a 10:same", "target, 1:a 20:same", "custom, 1:a 10:other 20:same"})
  void aDecisionAboutAUniqueValueReachesBothSides(String resolution, String rows) {
    try (EngineFixture fixture = new EngineFixture()) {
      String table = "create table t (id int primary key, v text unique);";
      TestStack.execute(fixture.source, table + "insert into t values (1, 'a')");
      TestStack.execute(fixture.target, table);
      fixture.start();
      UUID t =
          fixture.create(
              "t",
              ", \"sync_strategy\": \"merge\", \"bidirectional\": true,"
                  + " \"conflict_resolution\": \"manual\"");
      fixture.awaitState(t, SyncState.STREAMING);
      fixture.service().pause(t);
      TestStack.execute(fixture.source, "insert into t values (10, 'same')");
      TestStack.execute(fixture.target, "insert into t values (20, 'same')");
      fixture.service().resume(t);
      Await.until(() -> fixture.find(t).conflictsPending() == 1);
      arrives(1000, fixture.source, fixture.target);
      arrives(2000, fixture.target, fixture.source);
      TestStack.execute(fixture.source, "delete from t where id >= 1000");

      Decided decided = fixture.decide(t, resolution, "{\"v\": \"other\"}");

      assertThat(decided).isInstanceOf(Decided.Done.class);
      Await.untilAsserted(
          () -> {
            for (PgDatabase side : List.of(fixture.source, fixture.target)) {
              assertThat(
                      TestStack.text(
                          side, "select string_agg(id || ':' || v, ' ' order by id) from t"))
                  .isEqualTo(rows);
            }
          });
      assertThat(fixture.conflicts(t)).hasSize(1);
      assertThat(fixture.find(t).rowsParked()).isZero();
    }
  }

  private static void arrives(int id, PgDatabase from, PgDatabase to) {
    TestStack.execute(from, "insert into t values (%1$d, 'later %1$d')".formatted(id));
    Await.until(() -> TestStack.text(to, "select count(*) from t where id = " + id).equals("1"));
  }
}
