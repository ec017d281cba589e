package io.tidemark.process;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.Await;
import io.tidemark.TestStack;
import java.io.IOException;
import java.nio.file.Path;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;

/** The source's columns change, and the program is killed between that and the rows that follow. */
@Tag("process")
final class SchemaDriftIT {

  private static final String CONTENT =
      "select count(*) || ' ' || coalesce(md5(string_agg(md5(t::text), '' order by id)), '')"
          + " from item t";

  private final long seed = System.nanoTime();
  private final SplittableRandom random = new SplittableRandom(seed);

  @Test
  void addedColumnsArriveWithTheirRows(TestInfo test) throws Exception {
    addColumns(test, 2);
  }

  @Test
  @Tag("soak")
  void addedColumnsArriveWithTheirRowsHoweverOftenKilled(TestInfo test) throws Exception {
    addColumns(test, 12);
  }

  private void addColumns(TestInfo test, int rounds) throws Exception {
    try (TidemarkProcess tidemark = started(test, "add_columns")) {
      for (int round = 0; round < rounds; round++) {
        source(
            tidemark, "insert into item select g from generate_series(%1$d, %1$d + 99) g", round);
        source(tidemark, "alter table item add c%2$d int default %2$d", round);
        boolean isKilledFirst = random.nextBoolean();
        if (isKilledFirst) {
          killAndServe(tidemark);
        }
        source(tidemark, "update item set c%2$d = id where id %% 7 = %2$d", round);
        source(
            tidemark,
            "insert into item (id, c%2$d) select g, -g from generate_series(%1$d + 100, %1$d + 199) g",
            round);
        if (!isKilledFirst) {
          killAndServe(tidemark);
        }
      }

      awaitEqual(tidemark);
      assertThat(content(tidemark, "target")).startsWith(200 * rounds + 1000 + " ");
    }
  }

  @Test
  void aRenamedColumnStopsTheStreamWithNothingLost(TestInfo test) throws Exception {
    try (TidemarkProcess tidemark = started(test, "none")) {
      TestStack.execute(tidemark.database("source"), "update item set note = 'last of the old'");
      TestStack.execute(tidemark.database("source"), "alter table item rename note to remark");
      killAndServe(tidemark);
      TestStack.execute(tidemark.database("source"), "update item set remark = 'new' where id < 9");

      Await.untilAsserted(
          () ->
              assertThat(tidemark.get("/configurations?name=item").body())
                  .contains("\"state\":\"failed\"", "'note'"));
      assertThat(
              TestStack.text(
                  tidemark.database("target"), "select string_agg(distinct note, ',') from item"))
          .isEqualTo("last of the old");
      killAndServe(tidemark);
      TestStack.execute(tidemark.database("target"), "alter table item rename note to remark");

      awaitEqual(tidemark);
    }
  }

  /** A source table of a thousand rows that is in step. */
  private TidemarkProcess started(TestInfo test, String evolution) throws IOException {
    String name = test.getTestMethod().orElseThrow().getName();
    System.out.println("seed " + seed + " of " + name);
    TidemarkProcess tidemark =
        new TidemarkProcess(
            Path.of("target", "it", "drift-" + name + "-" + ProcessHandle.current().pid()));
    tidemark.serve();
    String table = "create table item (id bigint primary key, note text)";
    TestStack.execute(tidemark.database("target"), table);
    TestStack.execute(
        tidemark.database("source"),
        table + "; insert into item select -g, 'n' from generate_series(1, 1000) g");
    var created =
        tidemark.post(
            "/configurations",
            """
            {"name": "item", "source_table": "item", "target_table": "item",
             "sync_strategy": "incremental", "schema_evolution": "%s"}
            """
                .formatted(evolution));
    assertThat(created.statusCode()).as(created.body()).isEqualTo(201);
    awaitEqual(tidemark);
    return tidemark;
  }

  /** A statement about a round's rows and its column. */
  private static void source(TidemarkProcess tidemark, String sql, int round) {
    TestStack.execute(tidemark.database("source"), sql.formatted(1 + 200 * round, round));
  }

  /** At whatever moment of its work. */
  private void killAndServe(TidemarkProcess tidemark) throws IOException, InterruptedException {
    Thread.sleep(random.nextInt(400));
    tidemark.kill();
    tidemark.serve();
  }

  private static void awaitEqual(TidemarkProcess tidemark) {
    Await.untilAsserted(
        () -> assertThat(content(tidemark, "target")).isEqualTo(content(tidemark, "source")));
  }

  private static String content(TidemarkProcess tidemark, String database) {
    return TestStack.text(tidemark.database(database), CONTENT);
  }
}
