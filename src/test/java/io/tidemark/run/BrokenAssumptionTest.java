package io.tidemark.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.Await;
import io.tidemark.TestStack;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.sync.SyncState;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Others change what a running sync depends on: it stops and says what was changed, and goes on
 * once that is undone or, where changes may be missing, once the table was copied.
 */
@Tag("engine")
class BrokenAssumptionTest {
  private static final String CREATE = "create table t (id int primary key, v text)";
  private static final String ROWS = "insert into t select g, 'v' from generate_series(1, 100) g";

  private final EngineFixture fixture = new EngineFixture();
  private UUID t;
  private UUID u;

  @BeforeEach
  void stream() {
    for (PgDatabase database : new PgDatabase[] {fixture.source, fixture.target}) {
      TestStack.execute(database, CREATE + "; create table u (id int primary key, v text)");
    }
    TestStack.execute(fixture.source, ROWS);
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

  @ParameterizedTest
  @ValueSource(
      strings = {
        "drop table t; CREATE | was dropped and created again",
        "alter publication PUB set table u, t where (id < 50) | row filter",
      })
  void changesMayBeMissing(String line) {
    breakSource(line);
    TestStack.execute(fixture.source, "insert into t select g from generate_series(101, 120) g");

    awaitBroken(line.split("\\|")[1].strip(), "mode full");
    assertThat(failureOf(execute(ExecutionMode.INCREMENTAL))).isEqualTo("full_sync_needed");
    assertOthersGoOn();

    fixture.start();
    awaitBroken(line.split("\\|")[1].strip(), "mode full");

    fixture.awaitCompleted(execute(ExecutionMode.FULL));
    awaitSound();
  }

  @Test
  void theCopyThatATableNeedsIsNotForgotten() {
    breakSource("alter publication PUB drop table t; alter publication PUB add table t | x");
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
    breakSource("alter publication PUB set (publish = 'insert') | x");
    awaitBroken("does not publish updates, deletes, truncates", "mode full");
    TestStack.execute(fixture.source, "delete from t where id = 1");
    breakSource(
        "alter publication PUB set (publish = 'insert, update, delete, truncate') | was altered");
    awaitBroken("was altered", "mode full");
    fixture.awaitState(u, SyncState.FAILED);

    fixture.awaitCompleted(execute(ExecutionMode.FULL));
    awaitSound();
    fixture.awaitState(u, SyncState.FAILED);
    fixture.awaitCompleted(execute(u, ExecutionMode.FULL));
    assertOthersGoOn();
  }

  @Test
  void aRenamedSourceTableGoesOnOnceItIsRenamedBack() {
    TestStack.execute(fixture.source, "alter table t rename to x");
    TestStack.execute(fixture.source, "insert into x values (101)");
    awaitBroken("was renamed to public.x", "rename it back");
    assertOthersGoOn();
    TestStack.execute(fixture.source, "insert into x values (102); alter table x rename to t");

    awaitSound();
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

  @ParameterizedTest
  @ValueSource(
      strings = {
        "drop table t; CREATE",
        "alter table t rename to old; CREATE; insert into t select * from old",
      })
  void aTargetTableThatIsAnother(String statements) {
    at(fixture.target, statements);
    TestStack.execute(fixture.source, "insert into t values (101)");

    awaitBroken("was dropped and created again, or replaced", "mode full");
    assertThat(failureOf(execute(ExecutionMode.INCREMENTAL))).isEqualTo("full_sync_needed");
    assertOthersGoOn();
    fixture.start();
    awaitBroken("was dropped and created again, or replaced", "mode full");

    fixture.awaitCompleted(execute(ExecutionMode.FULL));
    awaitSound();
  }

  @Test
  void aTargetTableThatIsAwayForATime() {
    TestStack.execute(fixture.target, "alter table t rename to x");
    awaitBroken("was dropped or renamed", "rename it back");
    TestStack.execute(fixture.source, "insert into t values (101)");
    assertOthersGoOn();
    TestStack.execute(fixture.target, "alter table x rename to t");

    awaitSound();
  }

  @Test
  void aConfigurationWithAnInterval() {
    TestStack.execute(fixture.source, "create table s (id int primary key)");
    TestStack.execute(fixture.target, "create table s (id int primary key)");
    UUID s = fixture.create("s", ", \"sync_interval_seconds\": 3600");
    fixture.awaitCompleted(execute(s, ExecutionMode.INCREMENTAL));

    TestStack.execute(fixture.source, "drop table s; create table s (id int primary key)");
    fixture.awaitState(s, SyncState.FAILED);
    awaitProblem("s", "was dropped and created again");

    TestStack.execute(fixture.source, "insert into s values (1)");
    fixture.awaitCompleted(execute(s, ExecutionMode.FULL));
    fixture.awaitEqual("s");
    fixture.awaitState(s, SyncState.SCHEDULED);
  }

  @Test
  void aMergeBeginsAgain() {
    UUID m = merging("m", "");
    at(fixture.source, "drop table m; create table m (id int primary key, v text)");
    TestStack.execute(fixture.source, "insert into m values (2)");
    fixture.awaitState(m, SyncState.FAILED);
    awaitProblem("m", "mode merge");

    fixture.awaitCompleted(execute(m, ExecutionMode.MERGE));
    fixture.awaitState(m, SyncState.STREAMING);
    assertThat(ids(fixture.target, "m")).isEqualTo("1,2");
    TestStack.execute(fixture.source, "insert into m values (3)");
    Await.until(() -> ids(fixture.target, "m").equals("1,2,3"));
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void bothWays(boolean isSource) {
    UUID b = merging("b", ", \"bidirectional\": true");
    PgDatabase changed = isSource ? fixture.source : fixture.target;
    at(changed, "drop table b; create table b (id int primary key, v text)");
    TestStack.execute(changed, "insert into b values (2)");
    fixture.awaitState(b, SyncState.FAILED);
    awaitProblem("b", "mode merge");

    fixture.awaitCompleted(execute(b, ExecutionMode.MERGE));
    fixture.awaitState(b, SyncState.STREAMING);
    TestStack.execute(fixture.source, "insert into b values (3)");
    TestStack.execute(fixture.target, "insert into b values (4)");
    Await.until(() -> ids(fixture.target, "b").equals("1,2,3,4"));
    Await.until(() -> ids(fixture.source, "b").equals("1,2,3,4"));
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

  private void breakSource(String line) {
    String publication =
        TestStack.text(fixture.source, "select pubname from pg_publication limit 1");
    at(fixture.source, line.split("\\|")[0].replace("PUB", publication));
  }

  private static void at(PgDatabase database, String statements) {
    TestStack.execute(database, statements.replace("CREATE", CREATE));
  }

  private void awaitBroken(String reason, String remedy) {
    Await.untilAsserted(
        () -> {
          var now = fixture.find(t).configuration();
          assertThat(now.state()).isEqualTo(SyncState.FAILED);
          assertThat(now.stateReason()).contains(reason).contains(remedy);
          assertThat(problemOf("t").orElseThrow()).contains(reason).contains(remedy);
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
