package io.tidemark.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.Await;
import io.tidemark.TestStack;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.sync.SyncState;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Others change what a running sync depends on: it stops and says what was changed, and goes on
 * once that is undone or, where changes may be missing, once the table was copied.
 */
@Tag("engine")
class BrokenAssumptionTest {
  private static final String CREATE = "create table TABLE (id int primary key, v text)";
  private static final String ROWS =
      "insert into TABLE select g, 'v' from generate_series(1, 100) g";

  private static final String PARTITIONED =
      """
      create table TABLE (id int primary key, v text) partition by range (id);
      create table TABLE_1 partition of TABLE for values from (0) to (50);
      create table TABLE_2 partition of TABLE for values from (50) to (2000)""";

  private final EngineFixture fixture = new EngineFixture();
  private UUID t;
  private UUID u;

  private enum Side {
    SOURCE,
    TARGET
  }

  /**
   * What somebody does to one table.
   *
   * @param statements with TABLE for its name, CREATE for its definition, PUB for the publication
   * @param reason words that name it
   * @param undo what makes it right again; empty if only a copy does
   */
  private record Case(String table, Side side, String statements, String reason, String undo) {
    String more() {
      return table.equals("scheduled") ? ", \"sync_interval_seconds\": 3600" : "";
    }

    /** Without a break. */
    SyncState sound() {
      return table.equals("scheduled") ? SyncState.SCHEDULED : SyncState.STREAMING;
    }

    String remedy() {
      return undo.isEmpty() ? "mode full" : "rename it back";
    }

    String sql(String text) {
      return text.replace("CREATE", CREATE).replace("TABLE", table);
    }

    String source() {
      return table.startsWith("with_partitions") ? sql(PARTITIONED) : sql(CREATE);
    }
  }

  private static final List<Case> CASES =
      List.of(
          new Case(
              "recreated",
              Side.SOURCE,
              "drop table TABLE; CREATE",
              "was dropped and created again",
              ""),
          new Case(
              "scheduled",
              Side.SOURCE,
              "drop table TABLE; CREATE",
              "was dropped and created again",
              ""),
          new Case(
              "filtered",
              Side.SOURCE,
              "alter publication PUB drop table TABLE;"
                  + " alter publication PUB add table TABLE where (id < 50)",
              "row filter",
              ""),
          new Case(
              "renamed",
              Side.SOURCE,
              "alter table TABLE rename to TABLE_x; insert into TABLE_x values (150)",
              "was renamed to public.renamed_x",
              "insert into TABLE_x values (160); alter table TABLE_x rename to TABLE"),
          new Case(
              "with_partitions_dropped",
              Side.SOURCE,
              "drop table TABLE_1",
              "a partition of table public.with_partitions_dropped was detached or dropped",
              ""),
          new Case(
              "with_partitions_attached",
              Side.SOURCE,
              "create table TABLE_3 (id int primary key, v text); insert into TABLE_3 values (5000);"
                  + " alter table TABLE attach partition TABLE_3 for values from (2000) to (9000)",
              "was given a partition that had rows already",
              ""),
          new Case(
              "with_partitions_detached_for_a_time",
              Side.SOURCE,
              "alter table TABLE detach partition TABLE_1; delete from TABLE_1 where id = 3;"
                  + " alter table TABLE attach partition TABLE_1 for values from (0) to (50)",
              "partition",
              ""),
          new Case(
              "target_recreated",
              Side.TARGET,
              "drop table TABLE; CREATE",
              "was dropped and created again, or replaced",
              ""),
          new Case(
              "target_swapped",
              Side.TARGET,
              "alter table TABLE rename to TABLE_x; CREATE;"
                  + " insert into TABLE select * from TABLE_x",
              "was dropped and created again, or replaced",
              ""),
          new Case(
              "target_renamed",
              Side.TARGET,
              "alter table TABLE rename to TABLE_x",
              "was dropped or renamed",
              "alter table TABLE_x rename to TABLE"));

  @BeforeEach
  void stream() {
    for (PgDatabase database : new PgDatabase[] {fixture.source, fixture.target}) {
      TestStack.execute(
          database, CREATE.replace("TABLE", "t") + "; create table u (id int primary key, v text)");
    }
    TestStack.execute(fixture.source, ROWS.replace("TABLE", "t"));
    fixture.start();
    t = fixture.create("t", "");
    u = fixture.create("u", "");
    fixture.awaitEqual("t");
    fixture.awaitState(t, SyncState.STREAMING);
    fixture.awaitState(u, SyncState.STREAMING);
  }

  @AfterEach
  void close() {
    fixture.close();
  }

  /** All at once, and with another instance, which has what the first one had when that stops. */
  @Test
  void everyKindOfBreak() {
    Map<Case, UUID> ids = new LinkedHashMap<>();
    for (Case one : CASES) {
      TestStack.execute(fixture.source, one.source() + ";" + one.sql(ROWS));
      TestStack.execute(fixture.target, one.sql(CREATE));
      ids.put(one, fixture.create(one.table(), one.more()));
    }
    ids.forEach((one, id) -> fixture.awaitEqual(one.table()));
    ids.forEach((one, id) -> fixture.awaitState(id, one.sound()));
    fixture.startAnother();

    CASES.forEach(one -> at(one.side(), one.sql(one.statements())));
    CASES.stream()
        .filter(one -> !one.table().equals("renamed"))
        .forEach(
            one -> TestStack.execute(fixture.source, one.sql("insert into TABLE values (200)")));
    ids.forEach(this::awaitBroken);
    assertOthersGoOn();
    ids.forEach(
        (one, id) -> {
          if (one.undo().isEmpty()) {
            assertThat(failureOf(execute(id, ExecutionMode.INCREMENTAL)))
                .as(one.table())
                .isEqualTo("full_sync_needed");
          }
        });

    fixture.start();
    ids.forEach(this::awaitBroken);
    assertOthersGoOn();

    ids.forEach(
        (one, id) -> {
          if (one.undo().isEmpty()) {
            fixture.awaitCompleted(execute(id, ExecutionMode.FULL));
          } else {
            at(one.side(), one.sql(one.undo()));
          }
        });
    ids.forEach(
        (one, id) -> {
          fixture.awaitState(id, one.sound());
          TestStack.execute(
              fixture.source,
              one.sql(
                  "insert into TABLE values (1000, 'new'); update TABLE set v = 'w' where id = 55;"
                      + " delete from TABLE where id = 57"));
          if (one.sound() == SyncState.SCHEDULED) {
            fixture.awaitCompleted(execute(id, ExecutionMode.INCREMENTAL));
          }
          fixture.awaitEqual(one.table());
          Await.until(() -> problemOf(one.table()).isEmpty());
        });
  }

  /** Partitions that come and go without rows change nothing. */
  @Test
  void partitionsThatAreMadeAndAttachedEmpty() {
    String made = PARTITIONED.replace("TABLE", "p");
    TestStack.execute(fixture.source, made);
    TestStack.execute(fixture.target, CREATE.replace("TABLE", "p"));
    UUID p = fixture.create("p", "");
    fixture.awaitState(p, SyncState.STREAMING);

    TestStack.execute(
        fixture.source, "create table p_3 partition of p for values from (2000) to (3000)");
    TestStack.execute(fixture.source, "insert into p select generate_series(2000, 2500)");
    TestStack.execute(fixture.source, "create table p_4 (id int primary key, v text)");
    TestStack.execute(
        fixture.source,
        "alter table p attach partition p_4 for values from (3000) to (4000);"
            + " insert into p values (3000)");
    awaitNoted("p_4");
    fixture.awaitEqual("p");
    fixture.awaitState(p, SyncState.STREAMING);
    assertThat(problemOf("p")).isEmpty();

    // What was noted is missed.
    TestStack.execute(fixture.source, "drop table p_3");
    awaitBroken(p, "p", "a partition of table public.p was detached or dropped", "mode full");
    fixture.awaitCompleted(execute(p, ExecutionMode.FULL));
    fixture.awaitState(p, SyncState.STREAMING);
    fixture.awaitEqual("p");
  }

  /** Rows that the source has deleted stay anyway. */
  @Test
  void aPartitionIsDroppedWhereDeletionsAreIgnored() {
    TestStack.execute(fixture.source, PARTITIONED.replace("TABLE", "p"));
    TestStack.execute(fixture.source, ROWS.replace("TABLE", "p"));
    TestStack.execute(fixture.target, CREATE.replace("TABLE", "p"));
    UUID p = fixture.create("p", ", \"delete_handling\": \"ignore\"");
    fixture.awaitState(p, SyncState.STREAMING);

    TestStack.execute(fixture.source, "drop table p_1");
    // The other table's break shows that the watch has looked since.
    TestStack.execute(fixture.source, "alter table t rename to x");
    awaitBroken("was renamed to public.x", "rename it back");
    assertThat(problemOf("p")).isEmpty();
    assertThat(fixture.find(p).configuration().state()).isEqualTo(SyncState.STREAMING);
  }

  private void awaitNoted(String table) {
    String oid = TestStack.text(fixture.source, "select '" + table + "'::regclass::oid");
    Await.until(
        () ->
            TestStack.text(
                    fixture.source,
                    "select obj_description(oid, 'pg_publication') from pg_publication")
                .contains(oid + ":"));
  }

  private void at(Side side, String statements) {
    if (side == Side.SOURCE) {
      breakSource(statements);
    } else {
      TestStack.execute(fixture.target, statements);
    }
  }

  private void awaitBroken(Case one, UUID id) {
    awaitBroken(id, one.table(), one.reason(), one.remedy());
  }

  @Test
  void theCopyThatATableNeedsIsNotForgotten() {
    breakSource("alter publication PUB drop table t; alter publication PUB add table t");
    awaitBroken("for a time", "mode full");
    TestStack.execute(fixture.source, "insert into t values (200)");

    // Another configuration of the same table repairs the publication, and not this target.
    TestStack.execute(fixture.target, "create table t2 (id int primary key, v text)");
    UUID t2 = fixture.create("t2", ", \"source_table\": \"t\"");
    fixture.awaitState(t2, SyncState.STREAMING);

    awaitBroken("was interrupted since the last copy", "mode full");
    fixture.awaitCompleted(execute(ExecutionMode.FULL));
    awaitSound();
  }

  @Test
  void aPublicationThatWasAltered() {
    breakSource("alter publication PUB set (publish = 'insert')");
    awaitBroken("does not publish updates, deletes, truncates", "mode full");
    TestStack.execute(fixture.source, "delete from t where id = 1");
    breakSource("alter publication PUB set (publish = 'insert, update, delete, truncate')");
    awaitBroken("was altered", "mode full");
    fixture.awaitState(u, SyncState.FAILED);

    fixture.awaitCompleted(execute(ExecutionMode.FULL));
    awaitSound();
    fixture.awaitState(u, SyncState.FAILED);
    fixture.awaitCompleted(execute(u, ExecutionMode.FULL));
    assertOthersGoOn();
  }

  @Test
  void aRenamedSourceTableThatTheConfigurationFollows() {
    TestStack.execute(fixture.source, "alter table t rename to x; insert into x values (101)");
    awaitBroken("was renamed to public.x", "name the new table");
    fixture.change(t, "t", ", \"source_table\": \"x\"");

    Await.until(() -> TestStack.text(fixture.target, "select count(*) from t").equals("101"));
    TestStack.execute(fixture.source, "insert into x values (102)");
    Await.until(() -> TestStack.text(fixture.target, "select count(*) from t").equals("102"));
    fixture.awaitState(t, SyncState.STREAMING);
  }

  @Test
  void aMergeBeginsAgain() {
    UUID m = merging("m", "");
    TestStack.execute(fixture.source, "drop table m; create table m (id int primary key, v text)");
    TestStack.execute(fixture.source, "insert into m values (2)");
    fixture.awaitState(m, SyncState.FAILED);
    awaitProblem("m", "mode merge");

    fixture.awaitCompleted(execute(m, ExecutionMode.MERGE));
    fixture.awaitState(m, SyncState.STREAMING);
    assertThat(ids(fixture.target, "m")).isEqualTo("1,2");
    TestStack.execute(fixture.source, "insert into m values (3)");
    Await.until(() -> ids(fixture.target, "m").equals("1,2,3"));
  }

  @Test
  void bothWays() {
    UUID b = merging("b", ", \"bidirectional\": true");
    UUID c = merging("c", ", \"bidirectional\": true");
    changeBothWays(fixture.source, "b");
    changeBothWays(fixture.target, "c");
    for (UUID id : List.of(b, c)) {
      fixture.awaitState(id, SyncState.FAILED);
    }
    awaitProblem("b", "mode merge");
    awaitProblem("c", "mode merge");

    for (UUID id : List.of(b, c)) {
      fixture.awaitCompleted(execute(id, ExecutionMode.MERGE));
      fixture.awaitState(id, SyncState.STREAMING);
    }
    for (String table : List.of("b", "c")) {
      TestStack.execute(fixture.source, "insert into " + table + " values (3)");
      TestStack.execute(fixture.target, "insert into " + table + " values (4)");
    }
    for (String table : List.of("b", "c")) {
      Await.until(() -> ids(fixture.target, table).equals("1,2,3,4"));
      Await.until(() -> ids(fixture.source, table).equals("1,2,3,4"));
    }
  }

  private static void changeBothWays(PgDatabase database, String table) {
    TestStack.execute(
        database,
        "drop table TABLE; CREATE; insert into TABLE values (2)"
            .replace("CREATE", CREATE)
            .replace("TABLE", table));
  }

  private UUID merging(String table, String more) {
    TestStack.execute(
        fixture.source, "create table %1$s (id int primary key, v text)".formatted(table));
    TestStack.execute(
        fixture.target, "create table %1$s (id int primary key, v text)".formatted(table));
    TestStack.execute(fixture.source, "insert into %s values (1)".formatted(table));
    UUID id = fixture.create(table, ", \"sync_strategy\": \"merge\"" + more);
    fixture.awaitEqual(table);
    fixture.awaitState(id, SyncState.STREAMING);
    return id;
  }

  private static String ids(PgDatabase database, String table) {
    return TestStack.text(database, "select string_agg(id::text, ',' order by id) from " + table);
  }

  private void breakSource(String statements) {
    String publication =
        TestStack.text(fixture.source, "select pubname from pg_publication limit 1");
    TestStack.execute(fixture.source, statements.replace("PUB", publication));
  }

  private void awaitBroken(String reason, String remedy) {
    awaitBroken(t, "t", reason, remedy);
  }

  private void awaitBroken(UUID id, String name, String reason, String remedy) {
    Await.untilAsserted(
        () -> {
          var now = fixture.find(id).configuration();
          assertThat(now.state()).as(name).isEqualTo(SyncState.FAILED);
          assertThat(now.stateReason()).contains(reason).contains(remedy);
          assertThat(problemOf(name).orElse("")).contains(reason).contains(remedy);
        });
  }

  private Optional<String> problemOf(String name) {
    return fixture.engine().problems().stream()
        .filter(problem -> problem.startsWith("configuration '" + name + "': "))
        .findFirst();
  }

  private void awaitProblem(String name, String text) {
    Await.untilAsserted(() -> assertThat(problemOf(name).orElse("")).contains(text));
  }

  private void awaitSound() {
    fixture.awaitState(t, SyncState.STREAMING);
    fixture.awaitEqual("t");
    TestStack.execute(
        fixture.source,
        "insert into t values (1000, 'new'); update t set v = 'w' where id = 5; delete from t where"
            + " id = 7");
    fixture.awaitEqual("t");
    Await.until(() -> problemOf("t").isEmpty());
  }

  private void assertOthersGoOn() {
    TestStack.execute(fixture.source, "insert into u select coalesce(max(id), 0) + 1 from u");
    fixture.awaitEqual("u");
    fixture.awaitState(u, SyncState.STREAMING);
  }

  private UUID execute(ExecutionMode mode) {
    return execute(t, mode);
  }

  /** Once no other execution is active. */
  private UUID execute(UUID configuration, ExecutionMode mode) {
    return Await.untilSucceeds(
        IllegalStateException.class,
        () ->
            EngineFixture.value(
                    fixture.service().execute(configuration, mode, ExecutionTrigger.MANUAL))
                .id());
  }

  private String failureOf(UUID execution) {
    return Await.until(() -> fixture.execution(execution), now -> now.status().isFinal())
        .failure()
        .orElseThrow()
        .code();
  }
}
