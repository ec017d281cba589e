package io.tidemark.process;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.Await;
import io.tidemark.TestStack;
import io.tidemark.postgres.PgDatabase;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.regex.Pattern;

/**
 * The four tables of pgbench, the history with a key added.
 *
 * @param branches pgbench's own scale has 10 tellers and 100 000 accounts to a branch
 */
record TpcbTables(int branches, int tellers, int accounts) {
  static final String HISTORY = "pgbench_history";
  static final List<String> NAMES =
      List.of("pgbench_accounts", "pgbench_tellers", "pgbench_branches", HISTORY);

  private static final String DEFINITIONS =
      """
      create table pgbench_branches (bid int primary key, bbalance int not null, filler char(88));
      create table pgbench_tellers (
        tid int primary key, bid int not null, tbalance int not null, filler char(84));
      create table pgbench_accounts (
        aid int primary key, bid int not null, abalance int not null, filler char(84));
      create table pgbench_history (
        id bigint primary key, tid int not null, bid int not null, aid int not null,
        delta int not null, mtime timestamp not null, filler char(22));
      """;

  private static final String ROWS =
      """
      insert into pgbench_branches select i, 0, '' from generate_series(1, %1$d) i;
      insert into pgbench_tellers select i, 1 + i %% %1$d, 0, '' from generate_series(1, %2$d) i;
      insert into pgbench_accounts select i, 1 + i %% %1$d, 0, '' from generate_series(1, %3$d) i;
      """;

  private static final Pattern STREAMING = Pattern.compile("\"state\":\"streaming\"");

  /** Every row counts, in any order. */
  private static final String CONTENT =
      "select count(*) || ' ' || coalesce(sum(hashtextextended(t::text, 0)), 0) from %s t";

  /** Makes the tables, the target's empty, and has them kept in step over REST. */
  void create(TidemarkProcess tidemark, PgDatabase source, PgDatabase target) throws IOException {
    TestStack.execute(source, DEFINITIONS + ROWS.formatted(branches, tellers, accounts));
    TestStack.execute(target, DEFINITIONS);
    for (String table : NAMES) {
      HttpResponse<String> created =
          tidemark.post(
              "/configurations",
              """
              {"name": "%1$s", "source_table": "%1$s", "target_table": "%1$s",
               "sync_strategy": "incremental"}
              """
                  .formatted(table));
      assertThat(created.statusCode()).as(created.body()).isEqualTo(201);
    }
  }

  /** Waits until all of them stream; before, each may be about to be copied. */
  static void awaitStreaming(TidemarkProcess tidemark) {
    Await.until(
        () -> STREAMING.matcher(tidemark.get("/configurations").body()).results().count(),
        count -> count == NAMES.size());
  }

  /** Waits until each table's target has every row of its source and no other. */
  static void awaitEqual(PgDatabase source, PgDatabase target) {
    for (String table : NAMES) {
      String content = CONTENT.formatted(table);
      Await.untilAsserted(
          () ->
              assertThat(TestStack.text(target, content))
                  .as(table)
                  .isEqualTo(TestStack.text(source, content)));
    }
  }
}
