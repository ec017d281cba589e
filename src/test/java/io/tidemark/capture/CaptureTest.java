package io.tidemark.capture;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.Await;
import io.tidemark.Background;
import io.tidemark.capture.CaptureFixture.Read;
import io.tidemark.capture.CaptureState.Phase;
import io.tidemark.change.Change;
import io.tidemark.change.SourcePosition;
import io.tidemark.change.TableName;
import io.tidemark.postgres.PgDatabase;
import java.io.StringReader;
import java.sql.Connection;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("oldest-postgres")
@Tag("engine")
class CaptureTest {
  private static final TableName T = new TableName("public", "t");

  @Test
  void writesEachKindOfChangeOnce() throws Exception {
    try (CaptureFixture fixture = new CaptureFixture()) {
      fixture.execute("create table t (id int primary key, v text, b bool, f float8)");
      ChangeTracker tracker = fixture.tracking(T);

      fixture.execute(
          "insert into t values (1, 'a', true, 1.5), (2, null, null, 'NaN')",
          "update t set v = 'b' where id = 1",
          "update t set id = 3 where id = 2",
          "delete from t where id = 1",
          "truncate t");
      fixture.settle(tracker);

      List<Read> read = fixture.read(T);
      assertThat(ops(read)).isEqualTo("ccudcdt");
      Change.Delete moved = (Change.Delete) read.get(3).change();
      assertThat(moved.movedTo().orElseThrow().value(0)).isEqualTo("3");
      assertThat(read.get(3).key().value(0)).isEqualTo("2");
      Change.Insert came = (Change.Insert) read.get(4).change();
      assertThat(came.movedFrom().orElseThrow().value(0)).isEqualTo("2");
      assertThat(moved.position().ordinal()).isEqualTo(came.position().ordinal());
      assertThat(came.position().part()).isEqualTo(1);
      assertThat(came.after().value(3)).isEqualTo("NaN");
      assertThat(read.get(6).key()).isNull();
      Await.until(() -> phase(tracker), phase -> phase == Phase.RUNNING);
    }
  }

  @Test
  void leavesOutALargeValueThatDidNotChange() throws Exception {
    try (CaptureFixture fixture = new CaptureFixture()) {
      fixture.execute(
          "create table t (id int primary key, big text default 'd', n int)",
          "alter table t alter big set storage external");
      ChangeTracker tracker = fixture.tracking(T);

      fixture.execute(
          "insert into t values (1, repeat('x', 100000), 0)",
          "update t set n = 1",
          "update t set id = 2",
          "alter table t replica identity full",
          "update t set n = 2");
      fixture.settle(tracker);

      List<Read> read = fixture.read(T);
      assertThat(ops(read)).isEqualTo("cudcu");
      assertThat(((Change.Update) read.get(1).change()).after().shape().columns())
          .containsExactly("id", "n");
      assertThat(((Change.Insert) read.get(3).change()).after().shape().columns())
          .containsExactly("id", "n");
      Change.Update full = (Change.Update) read.get(4).change();
      assertThat(full.after().value(1)).isEqualTo("x".repeat(100000));
      assertThat(full.before().orElseThrow().value(1)).isEqualTo("x".repeat(100000));
      assertThat(read.get(4).key()).isEqualTo(read.get(3).key());
    }
  }

  @Test
  void followsSwappedKeysAndALargeKey() throws Exception {
    try (CaptureFixture fixture = new CaptureFixture()) {
      fixture.execute(
          "create table t (k text, id int, n int, primary key (id, k))",
          "alter table t alter k set storage external");
      ChangeTracker tracker = fixture.tracking(T);

      fixture.execute(
          "insert into t select string_agg(md5(i::text), ''), 1, 0 from generate_series(1, 70) i",
          "update t set n = 1",
          "insert into t values ('a', 2, 0), ('a', 3, 0)",
          "begin; update t set id = 9 where id = 2; update t set id = 2 where id = 3;"
              + "update t set id = 3 where id = 9; commit");
      fixture.settle(tracker);

      List<Read> read = fixture.read(T);
      assertThat(ops(read)).isEqualTo("cuccdcdcdc");
      assertThat(read.get(1).key()).isEqualTo(read.get(0).key());
      assertThat(read.get(0).key().shape().columns()).containsExactly("k", "id");
      assertPositionsRise(read);
    }
  }

  @Test
  void truncateReachesEveryPartitionOnceAndRowsKeepTheirs() throws Exception {
    try (CaptureFixture fixture = new CaptureFixture(4)) {
      fixture.execute("create table t (id int primary key, n int)");
      ChangeTracker tracker = fixture.tracking(T);

      fixture.execute(
          "insert into t select i, 0 from generate_series(1, 200) i",
          "update t set n = 1",
          "truncate t");
      fixture.settle(tracker);

      List<Read> read = fixture.read(T);
      Set<Integer> truncated = new TreeSet<>();
      for (Read one : read) {
        if (one.change() instanceof Change.Truncate) {
          assertThat(truncated.add(one.partition())).isTrue();
        }
      }
      assertThat(truncated).containsExactly(0, 1, 2, 3);
      assertThat(read).hasSize(404);
      assertThat(
              read.stream()
                  .filter(one -> one.key() != null)
                  .map(one -> one.key().value(0) + "@" + one.partition())
                  .distinct())
          .hasSize(200);
    }
  }

  @Test
  void writesCopiesAndLeavesOutWhatWasRolledBack() throws Exception {
    try (CaptureFixture fixture = new CaptureFixture()) {
      fixture.execute("create table t (id int primary key, n int)");
      ChangeTracker tracker = fixture.tracking(T);

      try (Connection connection = fixture.source.open("test")) {
        PgDatabase.pg(connection)
            .getCopyAPI()
            .copyIn("copy t from stdin", new StringReader("1\t1\n2\t2\n3\t3\n4\t4\n"));
      }
      fixture.execute(
          "begin; insert into t values (5, 5); savepoint a; insert into t values (6, 6);"
              + "rollback to a; insert into t values (7, 7); commit",
          "begin; insert into t values (8, 8); rollback");
      fixture.settle(tracker);

      List<Read> read = fixture.read(T);
      assertThat(read.stream().map(one -> one.key().value(0)))
          .containsExactly("1", "2", "3", "4", "5", "7");
      assertPositionsRise(read);
    }
  }

  @Test
  void tablesComeAndGoWithoutARestart() throws Exception {
    TableName odd = new TableName("Odd \"Schema\".x", "Tab.le");
    try (CaptureFixture fixture = new CaptureFixture()) {
      fixture.execute(
          "create table t (id int primary key)",
          "create schema \"Odd \"\"Schema\"\".x\"",
          "create table \"Odd \"\"Schema\"\".x\".\"Tab.le\" (\"I'd\" int, \"i'D\" int, v text)",
          "create unique index on \"Odd \"\"Schema\"\".x\".\"Tab.le\" (\"I'd\")");
      ChangeTracker tracker = fixture.tracking(T);
      fixture.execute("insert into t values (1)");
      fixture.settle(tracker);
      String walsender = walsender(fixture);

      fixture.execute("alter table \"Odd \"\"Schema\"\".x\".\"Tab.le\" alter \"I'd\" set not null");
      tracker.ensureTracked(fixture.source, odd, () -> true);
      fixture.execute("insert into \"Odd \"\"Schema\"\".x\".\"Tab.le\" values (1, 2, 'v')");
      tracker.release(fixture.source, () -> Set.of(odd));
      fixture.execute(
          "insert into t values (2)",
          "insert into \"Odd \"\"Schema\"\".x\".\"Tab.le\" values (2, 2, 'v')");
      fixture.settle(tracker);

      assertThat(fixture.read(T)).hasSize(1);
      List<Read> read = fixture.read(odd);
      assertThat(read).hasSize(2);
      assertThat(read.get(0).key().shape().columns()).containsExactly("I'd");
      assertThat(read.get(0).change().table()).isEqualTo(odd);
      assertThat(walsender(fixture)).isEqualTo(walsender);
    }
  }

  @Test
  void followsATableThroughItsChanges() throws Exception {
    try (CaptureFixture fixture = new CaptureFixture()) {
      fixture.execute("create table t (id int primary key, a int)");
      ChangeTracker tracker = fixture.tracking(T);

      fixture.execute(
          "insert into t values (1, 1)",
          "begin; alter table t add b text default 'dflt'; insert into t values (2, 2, 'b'); commit",
          "alter table t drop column a",
          "insert into t values (3, 'c')",
          "alter table t rename to u",
          "insert into u values (4, 'd')");
      fixture.settle(tracker);

      List<Read> read = fixture.read(T);
      assertThat(read.stream().map(one -> ((Change.Insert) one.change()).after().shape().columns()))
          .containsExactly(
              List.of("id", "a"), List.of("id", "a", "b"), List.of("id", "b"), List.of("id", "b"));
    }
  }

  /** The first host does not answer; the driver finds the one that is the primary. */
  @Test
  void aSourceWithSeveralHosts() throws Exception {
    try (CaptureFixture fixture = new CaptureFixture()) {
      fixture.execute("create table t (id int primary key)");
      PgDatabase several =
          new PgDatabase(
              CaptureFixture.CONNECTION,
              fixture.source.url().replace("//", "//127.0.0.1:1,") + "&targetServerType=primary",
              null,
              null);
      ChangeTracker tracker = fixture.tracker();
      tracker.start(several);
      tracker.ensureTracked(several, T, () -> true);

      fixture.execute("insert into t values (1)");
      fixture.settle(tracker);

      assertThat(fixture.read(T)).hasSize(1);
    }
  }

  @Test
  void partitionsWriteUnderTheirRoot() throws Exception {
    try (CaptureFixture fixture = new CaptureFixture()) {
      fixture.execute(
          "create table t (id int primary key, v int) partition by range (id)",
          "create table t1 partition of t for values from (0) to (10)",
          "create table t2 (v int, id int not null)",
          "alter table t attach partition t2 for values from (10) to (20)");
      ChangeTracker tracker = fixture.tracking(T);

      fixture.execute(
          "insert into t values (1, 1), (11, 2)",
          "update t set id = 12 where id = 1",
          "insert into t2 values (5, 15)");
      fixture.settle(tracker);

      List<Read> read = fixture.read(T);
      assertThat(read.stream().map(one -> one.key().value(0)))
          .containsExactly("1", "11", "1", "12", "15");
    }
  }

  @Test
  void rowsOfATableWithoutAKeyKeepTheirOrder() throws Exception {
    try (CaptureFixture fixture = new CaptureFixture(3)) {
      fixture.execute("create table t (v int)", "alter table t replica identity full");
      ChangeTracker tracker = fixture.tracking(T);

      fixture.execute("insert into t values (1), (2), (3)", "delete from t where v = 2");
      fixture.settle(tracker);

      List<Read> read = fixture.read(T);
      assertThat(ops(read)).isEqualTo("cccd");
      assertThat(read.stream().map(Read::partition).distinct()).containsExactly(0);
      assertPositionsRise(read);
    }
  }

  @Test
  void anIdleSourcesSlotMovesOn() throws Exception {
    try (CaptureFixture fixture = new CaptureFixture()) {
      fixture.execute("create table t (id int primary key)", "create table other (id int)");
      ChangeTracker tracker = fixture.tracking(T);
      fixture.settle(tracker);
      fixture.execute("insert into other select from generate_series(1, 10000)");

      String written = fixture.query("select pg_current_wal_lsn()::text");

      Await.until(
          () ->
              fixture
                  .query(
                      "select confirmed_flush_lsn > '"
                          + written
                          + "' from pg_replication_slots where slot_name = '"
                          + fixture.names().slot()
                          + "'")
                  .equals("t"));
      // The age of a heartbeat: it falls again and again.
      Await.until(() -> tracker.captures().get(0).lagSeconds().orElseThrow(), lag -> lag < 10);
      assertThat(tracker.captures().get(0).confirmedLsn()).isNotNull();
    }
  }

  /** Each attempt has a session of its own at the source. */
  private static final int ATTEMPTS = 6;

  /** A capture that fails at one change again and again runs for a while each time. */
  @Test
  void saysWhatIsWrongUntilItHasComeFurther() throws Exception {
    try (CaptureFixture fixture = new CaptureFixture()) {
      fixture.execute("create table t (id int primary key, v text)");
      ChangeTracker tracker = fixture.tracking(T);
      fixture.settle(tracker);
      fixture.limitRecords(T, 10_000);

      fixture.execute(
          "insert into t select 1, string_agg(md5(i::text), '') from generate_series(1, 5000) i");
      Await.until(() -> phase(tracker), phase -> phase == Phase.RETRYING);
      CompletableFuture<Set<Phase>> seen = new CompletableFuture<>();
      AtomicBoolean enough = new AtomicBoolean();
      Background.THREADS.execute(() -> seen.complete(phases(tracker, enough)));
      Set<String> attempts = new HashSet<>();
      Await.until(
          () -> {
            attempts.add(walsender(fixture));
            attempts.remove("null");
            return attempts.size();
          },
          count -> count >= ATTEMPTS);
      enough.set(true);
      assertThat(Await.result(seen)).containsExactly(Phase.RETRYING);
      assertThat(tracker.state(CaptureFixture.CONNECTION).orElseThrow().reason())
          .contains("RecordTooLarge");
      fixture.limitRecords(T, 1_000_000);

      fixture.settle(tracker);
      Await.until(() -> phase(tracker), phase -> phase == Phase.RUNNING);
      assertThat(ops(fixture.read(T))).isEqualTo("c");
    }
  }

  /** The phases in which a capture is seen until it is enough, every millisecond or so. */
  private static Set<Phase> phases(ChangeTracker tracker, AtomicBoolean enough) {
    Set<Phase> seen = EnumSet.noneOf(Phase.class);
    while (!enough.get()) {
      seen.add(phase(tracker));
      LockSupport.parkNanos(1_000_000);
    }
    return seen;
  }

  private static Phase phase(ChangeTracker tracker) {
    return tracker.state(CaptureFixture.CONNECTION).orElseThrow().phase();
  }

  private static String ops(List<Read> read) {
    StringBuilder ops = new StringBuilder();
    read.forEach(one -> ops.append(one.change().op()));
    return ops.toString();
  }

  static void assertPositionsRise(List<Read> read) {
    SourcePosition last = SourcePosition.START;
    for (Read one : read) {
      assertThat(one.change().position().isAfter(last)).isTrue();
      last = one.change().position();
    }
  }

  private static String walsender(CaptureFixture fixture) throws Exception {
    return Objects.requireNonNull(
        fixture.query(
            "select active_pid from pg_replication_slots where slot_name = '"
                + fixture.names().slot()
                + "'"));
  }
}
