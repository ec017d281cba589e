package io.tidemark.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tidemark.Await;
import io.tidemark.TestStack;
import io.tidemark.sync.SyncState;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.SplittableRandom;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Changes of a table of which a configuration takes some rows. */
@Tag("oldest-postgres")
@Tag("engine")
class RowFilterTest {
  private static final String TABLE =
      """
      create table "Odd t" (
        id int primary key, "Region" text, n int, doc jsonb, big text);
      alter table "Odd t" alter big set storage external;
      """;

  /** Quotes, a qualified column, an operator that drivers stumble over, a comment at the end. */
  private static final String FILTER =
      "\"Odd t\".\"Region\" = 'E?U' and n > 0 and not doc ? 'hidden' -- all of them";

  /** Asks for a value that most updates do not send. */
  private static final String FILTER_BY_LARGE_VALUE = "big like 'x%' and n % 3 < 2";

  /** In the first and the last step; the two steps in between have twice as many. */
  private static final int STATEMENTS = 100;

  private static final int STATEMENTS_IN_SOAK = 2_000;

  private final EngineFixture fixture = new EngineFixture();

  @AfterEach
  void stop() {
    fixture.close();
  }

  @ParameterizedTest
  @CsvSource({
    "default, source_wins, incremental, false",
    "full, manual, incremental, false",
    "default, manual, merge, true",
    "full, source_wins, incremental, true"
  })
  void keepsTheTargetAtTheRowsThatTheFilterTakes(
      String identity, String strategy, String kind, boolean byLargeValue) throws SQLException {
    keepsTheTarget(identity, strategy, kind, byLargeValue, STATEMENTS);
  }

  @ParameterizedTest
  @CsvSource({"default, source_wins, incremental, false", "full, source_wins, incremental, true"})
  @Tag("soak")
  void keepsTheTargetThroughThousandsOfStatements(
      String identity, String strategy, String kind, boolean byLargeValue) throws SQLException {
    keepsTheTarget(identity, strategy, kind, byLargeValue, STATEMENTS_IN_SOAK);
  }

  private void keepsTheTarget(
      String identity, String strategy, String kind, boolean byLargeValue, int statements)
      throws SQLException {
    long seed = System.nanoTime();
    System.out.println("seed " + seed);
    SplittableRandom random = new SplittableRandom(seed);
    String filter = byLargeValue ? FILTER_BY_LARGE_VALUE : FILTER;
    TestStack.execute(fixture.source, TABLE + "alter table \"Odd t\" replica identity " + identity);
    TestStack.execute(fixture.target, TABLE);
    change(random, statements);
    fixture.start();
    UUID t = create(filter, strategy, kind);
    fixture.awaitState(t, SyncState.STREAMING);

    change(random, 2 * statements);
    awaitTaken(t, filter);
    Execution again =
        EngineFixture.value(
            fixture.service().execute(t, ExecutionMode.FULL, ExecutionTrigger.MANUAL));
    change(random, 2 * statements);
    fixture.awaitCompleted(again.id());
    change(random, statements);

    awaitTaken(t, filter);
    assertThat(fixture.conflicts(t)).isEmpty();
    assertThat(fixture.find(t).rowsParked()).isZero();
  }

  private UUID create(String filter, String strategy, String kind) {
    return fixture.create(
        "t",
        """
        , "source_table": "\\"Odd t\\"", "target_table": "\\"Odd t\\"", "row_filter": "%s",
        "conflict_resolution": "%s", "sync_strategy": "%s"
        """
            .formatted(filter.replace("\"", "\\\""), strategy, kind));
  }

  /** Rows come, go, change, and change their keys, some in transactions of several changes. */
  private void change(SplittableRandom random, int times) throws SQLException {
    try (Connection session = fixture.source.open("users");
        Statement statement = session.createStatement()) {
      for (int i = 0; i < times; i++) {
        int id = 1 + random.nextInt(40);
        statement.execute(
            switch (random.nextInt(9)) {
              case 0 -> "delete from \"Odd t\" where id = " + id;
              case 1 ->
                  "update \"Odd t\" set id = %d where id = %d and not exists (select from \"Odd t\" where id = %d)"
                      .formatted(id + 1, id, id + 1);
              case 2 -> "update \"Odd t\" set n = %d".formatted(1 + random.nextInt(2) * 2);
              case 3, 4 ->
                  "update \"Odd t\" set n = %d, \"Region\" = '%s' where id = %d"
                      .formatted(random.nextInt(4), random.nextInt(3) == 0 ? "US" : "E?U", id);
              case 5 ->
                  "update \"Odd t\" set doc = '%s' where id in (%d, %d)"
                      .formatted(
                          random.nextBoolean() ? "{\"hidden\": 1}" : "{\"a\": [1, null]}",
                          id,
                          id + 2);
              default ->
                  """
                  insert into "Odd t"
                  values (%d, '%s', %d, '{}', '%s' || repeat(md5('%d'), 100))
                  on conflict (id) do update
                  set n = excluded.n%s
                  """
                      .formatted(
                          id,
                          random.nextInt(3) == 0 ? "US" : "E?U",
                          random.nextInt(4),
                          random.nextBoolean() ? "x" : "y",
                          i,
                          random.nextInt(4) == 0 ? ", big = excluded.big" : "");
            });
      }
    }
  }

  private void awaitTaken(UUID configuration, String filter) {
    String rows =
        "select count(*) || coalesce(md5(string_agg(t::text, ',' order by id)), '') from %s t";
    Await.untilAsserted(
        () ->
            assertThat(TestStack.text(fixture.target, rows.formatted("\"Odd t\"")))
                .as(() -> "conflicts: " + fixture.conflicts(configuration))
                .isEqualTo(
                    TestStack.text(
                        fixture.source,
                        rows.formatted("(select * from \"Odd t\" where (" + filter + "\n))"))));
    assertThat(TestStack.text(fixture.target, "select count(*) from \"Odd t\"")).isNotEqualTo("0");
  }

  @Test
  void isRefusedWhereTheTargetCannotEvaluateIt() {
    TestStack.execute(
        fixture.source,
        TABLE + "create function only_here(int) returns boolean language sql as 'select $1 > 1';");
    TestStack.execute(fixture.target, TABLE);
    fixture.start();

    assertThatThrownBy(() -> create("only_here(n)", "source_wins", "incremental"))
        .hasMessageContaining("only_here");
  }

  @Test
  void stopsTheStreamWithTheReasonIfItFailsOnARow() {
    TestStack.execute(fixture.source, TABLE);
    TestStack.execute(fixture.target, TABLE);
    fixture.start();
    UUID t = create("100 / n > 1", "source_wins", "incremental");
    fixture.awaitState(t, SyncState.STREAMING);

    TestStack.execute(fixture.source, "insert into \"Odd t\" values (1, 'a', 0), (2, 'b', 1)");

    fixture.awaitState(t, SyncState.FAILED);
    assertThat(fixture.find(t).configuration().stateReason())
        .contains("row_filter fails on a row", "nullif");
    assertThat(TestStack.text(fixture.target, "select count(*) from \"Odd t\"")).isEqualTo("0");
  }
}
