package io.tidemark.process;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.Await;
import io.tidemark.TestStack;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.Statement;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Rows that take little room in a topic, and together more than memory has once unpacked. */
@Tag("process")
final class LargeRowsIT {

  /** Of 1 MB each: more than the program's 512 MB of heap, and fewer than a batch has. */
  private static final int ROWS = 700;

  private static final String CONTENT =
      "select count(*) || ' ' || coalesce(md5(string_agg(md5(body), '' order by id)), '')"
          + " from item";

  @Test
  void aBacklogOfThemIsAppliedInBatchesThatMemoryHolds() throws Exception {
    try (TidemarkProcess tidemark =
        TidemarkProcess.underLoad(
            Path.of("target", "it", "large-rows-" + ProcessHandle.current().pid()))) {
      tidemark.serve();
      for (String side : new String[] {"source", "target"}) {
        TestStack.execute(
            tidemark.database(side), "create table item (id bigint primary key, body text)");
      }
      var created =
          tidemark.post(
              "/configurations",
              """
              {"name": "item", "source_table": "item", "target_table": "item",
               "sync_strategy": "incremental"}
              """);
      assertThat(created.statusCode()).as(created.body()).isEqualTo(201);
      TestStack.execute(tidemark.database("source"), "insert into item values (0, 'the first')");
      awaitEqual(tidemark);

      try (Connection blocker = tidemark.database("target").open("blocker");
          Statement statement = blocker.createStatement()) {
        blocker.setAutoCommit(false);
        statement.execute("lock table item in access exclusive mode");
        for (int row = 1; row <= ROWS; row++) {
          TestStack.execute(
              tidemark.database("source"),
              "insert into item values (%1$d, repeat(md5('%1$d'), 32768))".formatted(row));
        }
        awaitCaptured(tidemark);
        blocker.rollback();
      }

      awaitEqual(tidemark);
      assertThat(tidemark.log()).doesNotContain("OutOfMemory", "do not fit");
    }
  }

  /** The slot is told only of what is in the topic. */
  private static void awaitCaptured(TidemarkProcess tidemark) {
    String written = TestStack.text(tidemark.database("source"), "select pg_current_wal_lsn()");
    Await.until(
        () ->
            TestStack.text(
                tidemark.database("source"),
                "select (confirmed_flush_lsn >= '%s') || ' ' || confirmed_flush_lsn"
                        .formatted(written)
                    + " from pg_replication_slots"),
        confirmed -> confirmed.startsWith("true"));
  }

  /** Equal as a whole, which takes seconds to look at, once there are equally many. */
  private static void awaitEqual(TidemarkProcess tidemark) {
    Await.untilAsserted(
        () -> assertThat(count(tidemark, "target")).isEqualTo(count(tidemark, "source")));
    Await.untilAsserted(
        () -> assertThat(content(tidemark, "target")).isEqualTo(content(tidemark, "source")));
  }

  private static String count(TidemarkProcess tidemark, String database) {
    return TestStack.text(tidemark.database(database), "select count(*) from item");
  }

  private static String content(TidemarkProcess tidemark, String database) {
    return TestStack.text(tidemark.database(database), CONTENT);
  }
}
