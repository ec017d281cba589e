package io.tidemark.process;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.Await;
import io.tidemark.TestStack;
import io.tidemark.postgres.PgDatabase;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The packaged program with users writing on both sides, killed in between. */
@Tag("process")
final class TwoWayIT {

  private static final String TABLE =
      "create table item (id bigint primary key, name text, updated_at timestamptz)";

  private static final String CONTENT =
      """
      select count(*) || ' ' || coalesce(md5(string_agg(md5(t::text), '' order by id)), '')
      from item t
      where id <> all ('{%s}')
      """;

  @Test
  void rowsOfBothSidesReachTheOther(TestInfo test) throws Exception {
    try (TidemarkProcess tidemark = started(test, "source_wins")) {
      awaitEqual(tidemark);
      TestStack.execute(source(tidemark), "insert into item values (7001, 'here', now())");
      TestStack.execute(target(tidemark), "insert into item values (7002, 'there', now())");
      TestStack.execute(target(tidemark), "update item set name = 'there too' where id = 1");
      TestStack.execute(source(tidemark), "delete from item where id = 2");

      awaitName(source(tidemark), 7002, "there");
      awaitName(source(tidemark), 1, "there too");
      awaitName(target(tidemark), 7001, "here");
      awaitEqual(tidemark);
      assertThat(tidemark.get("/conflicts").body()).contains("\"items\":[]");
    }
  }

  @Test
  void bothSidesConvergeWhenKilledUnderWrites(TestInfo test) throws Exception {
    converge(test, "timestamp", 2, 150);
  }

  @ParameterizedTest
  @ValueSource(strings = {"source_wins", "target_wins", "timestamp", "manual"})
  @Tag("soak")
  void bothSidesConvergeHoweverOftenKilled(String strategy, TestInfo test) throws Exception {
    converge(test, strategy, 6, 4000);
  }

  /** Under manual all rows are equal but those that wait, and those too once they are decided. */
  private static void converge(TestInfo test, String strategy, int kills, int writes)
      throws Exception {
    long seed = System.nanoTime();
    System.out.println("seed " + seed + " under " + strategy);
    SplittableRandom random = new SplittableRandom(seed);
    try (TidemarkProcess tidemark = started(test, strategy)) {
      awaitEqual(tidemark);
      for (int kill = 0; kill < kills; kill++) {
        try (Users here = new Users(source(tidemark), random.split(), "here");
            Users there = new Users(target(tidemark), random.split(), "there")) {
          here.untilWritten(writes + random.nextInt(100));
          there.untilWritten(writes + random.nextInt(100));
          tidemark.kill();
        }
        tidemark.serve();
      }

      awaitEqual(tidemark);
      if (strategy.equals("manual")) {
        // One whose row was changed while it waited is refused once, with the row as it is now.
        if (!decideAll(tidemark).contains("\"refused_count\":0")) {
          assertThat(decideAll(tidemark)).contains("\"refused_count\":0");
        }
        assertThat(waiting(tidemark)).isEmpty();
        awaitEqual(tidemark);
      }
    }
  }

  private static String decideAll(TidemarkProcess tidemark) throws IOException {
    return tidemark
        .post("/conflicts/resolve", "{\"filter\": {}, \"resolution\": \"source\"}")
        .body();
  }

  private static TidemarkProcess started(TestInfo test, String strategy) throws IOException {
    String name = test.getTestMethod().orElseThrow().getName() + "-" + strategy;
    TidemarkProcess tidemark =
        new TidemarkProcess(Path.of("target", "it", name + "-" + ProcessHandle.current().pid()));
    tidemark.serve();
    TestStack.execute(
        source(tidemark),
        TABLE + "; insert into item select g, 'first', now() from generate_series(1, 60) g");
    TestStack.execute(
        target(tidemark),
        TABLE
            + "; insert into item select g, 'only there', now() from generate_series(101, 110) g");
    var created =
        tidemark.post(
            "/configurations",
            """
            {"name": "items", "source_table": "item", "target_table": "item",
             "sync_strategy": "merge", "bidirectional": true, "conflict_resolution": "%s"}
            """
                .formatted(strategy));
    assertThat(created.statusCode()).as(created.body()).isEqualTo(201);
    return tidemark;
  }

  private static PgDatabase source(TidemarkProcess tidemark) {
    return tidemark.database("source");
  }

  private static PgDatabase target(TidemarkProcess tidemark) {
    return tidemark.database("target");
  }

  private static void awaitName(PgDatabase side, int id, String name) {
    Await.until(
        () -> TestStack.text(side, "select max(name) from item where id = " + id).equals(name));
  }

  private static void awaitEqual(TidemarkProcess tidemark) {
    Await.untilAsserted(
        () -> {
          String content = CONTENT.formatted(String.join(",", waiting(tidemark)));
          assertThat(TestStack.text(target(tidemark), content))
              .isEqualTo(TestStack.text(source(tidemark), content));
          assertThat(TestStack.text(source(tidemark), "select count(*) from item where id > 100"))
              .isNotEqualTo("0");
        });
  }

  /** The keys of conflicts that wait. */
  private static List<String> waiting(TidemarkProcess tidemark) throws IOException {
    List<String> keys = new ArrayList<>();
    var key = java.util.regex.Pattern.compile("\"key\":\\{\"id\":\\s*(\\d+)\\}");
    var found = key.matcher(tidemark.get("/conflicts?status=pending&limit=500").body());
    while (found.find()) {
      keys.add(found.group(1));
    }
    return keys;
  }

  /** Users of one side, who write until closed or until their database goes away. */
  private static final class Users implements AutoCloseable {
    private static final int KEYS = 80;

    /** A key that has just been used, and a deadlock. */
    private static final Set<String> TAKEN_BY_ANOTHER = Set.of("23505", "40P01");

    private final AtomicBoolean stopping = new AtomicBoolean();
    private final AtomicInteger written = new AtomicInteger();
    private final Thread thread;

    Users(PgDatabase side, SplittableRandom random, String name) {
      thread = new Thread(() -> write(side, random, name), name);
      thread.start();
    }

    private void write(PgDatabase side, SplittableRandom random, String name) {
      try (Connection session = side.open("users");
          Statement statement = session.createStatement()) {
        while (!stopping.get()) {
          write(statement, next(random, name + " " + written.get()));
        }
      } catch (SQLException e) {
        // The embedded databases go with the process that is killed: that is what it is killed for.
        stopping.set(true);
      }
    }

    /**
     * As a user's program would: what is refused because the other side's row came first is over.
     */
    private void write(Statement statement, String sql) throws SQLException {
      try {
        statement.execute(sql);
        written.incrementAndGet();
      } catch (SQLException e) {
        if (!TAKEN_BY_ANOTHER.contains(String.valueOf(e.getSQLState()))) {
          throw e;
        }
      }
    }

    /** Inserts, updates, deletes, keys used again, keys changed. */
    private static String next(SplittableRandom random, String name) {
      int id = 1 + random.nextInt(KEYS);
      return switch (random.nextInt(8)) {
        case 0 -> "delete from item where id = " + id;
        case 1 ->
            "update item set id = %d, updated_at = clock_timestamp() where id = %d and not exists (select from item where id = %d)"
                .formatted(200 + id, id, 200 + id);
        case 2 ->
            "update item set id = %d, updated_at = clock_timestamp() where id = %d and not exists (select from item where id = %d)"
                .formatted(id, 200 + id, id);
        default ->
            """
            insert into item values (%d, '%s', clock_timestamp())
            on conflict (id) do update set name = excluded.name, updated_at = excluded.updated_at
            """
                .formatted(id, name);
      };
    }

    void untilWritten(int many) {
      Await.until(written::get, count -> count >= many);
    }

    @Override
    public void close() {
      stopping.set(true);
      try {
        thread.join();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
