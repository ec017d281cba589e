package io.tidemark.capture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.tidemark.Await;
import io.tidemark.Background;
import io.tidemark.TestStack;
import io.tidemark.capture.CaptureState.Phase;
import io.tidemark.change.OperatingFailure;
import io.tidemark.change.TableName;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("oldest-postgres")
@Tag("engine")
class CaptureTrackingTest {
  private static final TableName T = new TableName("public", "t");
  private static final TableName U = new TableName("public", "u");

  @Test
  void waitsForWritersThatBeganBeforeTheTableWasTracked() throws Exception {
    try (CaptureFixture fixture = new CaptureFixture()) {
      fixture.execute("create table t (id int primary key)", "create table u (id int primary key)");
      ChangeTracker tracker = fixture.tracking(T);

      try (Connection writer = fixture.source.open("writer");
          Statement statement = writer.createStatement()) {
        writer.setAutoCommit(false);
        statement.execute("insert into u values (1)");
        CompletableFuture<Void> tracked =
            CompletableFuture.runAsync(
                () -> tracker.ensureTracked(fixture.source, U, () -> true), Background.THREADS);
        Await.until(() -> fixture.query("select count(*) from pg_publication_tables").equals("2"));
        fixture.awaitLooks("select count(*) from pg_catalog.pg_locks");
        assertThat(tracked).isNotDone();
        statement.execute("prepare transaction 'p'");
        fixture.awaitLooks("select count(*) from pg_catalog.pg_locks");
        assertThat(tracked).isNotDone();
        writer.setAutoCommit(true);
        statement.execute("commit prepared 'p'");
        Await.result(tracked);
      }
      fixture.execute("insert into u values (2)");
      fixture.settle(tracker);

      assertThat(fixture.read(U).stream().map(one -> one.key().value(0))).containsExactly("2");
    }
  }

  @Test
  void leavesNothingAtTheSourceWhenTheLastTableIsReleased() throws Exception {
    try (CaptureFixture fixture = new CaptureFixture()) {
      fixture.execute("create table t (id int primary key)");
      ChangeTracker tracker = fixture.tracking(T);
      fixture.execute("insert into t values (1)");
      fixture.settle(tracker);

      // Another instance releases what this one captures.
      fixture.tracker().release(fixture.source, Set::of);

      assertThat(
              fixture.query(
                  "select count(*) from pg_replication_slots where slot_name = '"
                      + fixture.names().slot()
                      + "'"))
          .isEqualTo("0");
      assertThat(fixture.query("select count(*) from pg_publication")).isEqualTo("0");
      awaitPhase(tracker, Phase.STANDBY);
      assertThat(tracker.writtenUpTo(CaptureFixture.CONNECTION)).isEmpty();

      tracker.ensureTracked(fixture.source, T, () -> true);
      fixture.execute("insert into t values (2)");
      fixture.settle(tracker);
      assertThat(fixture.read(T)).hasSize(2);
    }
  }

  @Test
  void failsClosedWhenTheSlotWasMadeAnew() throws Exception {
    try (CaptureFixture fixture = new CaptureFixture()) {
      fixture.execute("create table t (id int primary key)");
      String slot = fixture.names().slot();
      try (ChangeTracker tracker = fixture.tracking(T)) {
        fixture.settle(tracker);
      }
      TestStack.dropSlots(fixture.source);
      fixture.execute(
          "insert into t values (1)",
          "select pg_create_logical_replication_slot('" + slot + "', 'pgoutput')");

      ChangeTracker tracker = fixture.tracker();
      tracker.start(fixture.source);
      awaitPhase(tracker, Phase.FAILED);

      CaptureState state = tracker.state(CaptureFixture.CONNECTION).orElseThrow();
      assertThat(state.reason()).contains(slot);
      assertThat(state.remedy()).contains("full");
      assertThat(fixture.read(T)).isEmpty();
    }
  }

  @Test
  void failsClosedWhenASlotInUseIsGone() throws Exception {
    try (CaptureFixture fixture = new CaptureFixture()) {
      fixture.execute("create table t (id int primary key)");
      try (ChangeTracker tracker = fixture.tracking(T)) {
        fixture.settle(tracker);
      }
      TestStack.dropSlots(fixture.source);

      ChangeTracker tracker = fixture.tracker();
      tracker.start(fixture.source);
      awaitPhase(tracker, Phase.FAILED);
      assertThatThrownBy(() -> tracker.ensureTracked(fixture.source, T, () -> true))
          .isInstanceOf(OperatingFailure.class)
          .hasMessageContaining(fixture.names().slot());

      // The remedy: reset, then track anew.
      tracker.release(fixture.source, Set::of);
      tracker.ensureTracked(fixture.source, T, () -> true);
      fixture.execute("insert into t values (1)");
      fixture.settle(tracker);
      assertThat(fixture.read(T)).hasSize(1);
    }
  }

  @Test
  void refusesWhatCannotBeCaptured() throws Exception {
    try (CaptureFixture fixture = new CaptureFixture()) {
      fixture.execute("create unlogged table u (id int)", "create view t as select 1");
      ChangeTracker tracker = fixture.tracker();

      assertThatThrownBy(() -> tracker.ensureTracked(fixture.source, T, () -> true))
          .hasMessageContaining("not a table");
      assertThatThrownBy(() -> tracker.ensureTracked(fixture.source, U, () -> true))
          .hasMessageContaining("no WAL");
      assertThat(fixture.query("select count(*) from pg_publication")).isEqualTo("0");
    }
  }

  /** Published, its old rows would read as nulls, or the source's own updates would fail. */
  @Test
  void refusesPartitionsWithAnotherReplicaIdentityThanTheirTable() throws Exception {
    try (CaptureFixture fixture = new CaptureFixture()) {
      fixture.execute(
          "create table t (id int primary key, v text) partition by range (id)",
          "create table t_1 partition of t for values from (0) to (10)",
          "create table t_2 partition of t for values from (10) to (20)",
          "alter table t_2 replica identity nothing");
      ChangeTracker tracker = fixture.tracker();

      assertThatThrownBy(() -> tracker.ensureTracked(fixture.source, T, () -> true))
          .hasMessageContaining("t_2 of public.t");
      fixture.execute("alter table t_2 replica identity full");
      tracker.ensureTracked(fixture.source, T, () -> true);
      tracker.release(fixture.source, Set::of);
      // The table's own identity is not its partitions'.
      fixture.execute("alter table t replica identity full");
      assertThatThrownBy(() -> tracker.ensureTracked(fixture.source, T, () -> true))
          .hasMessageContaining("t_1 of public.t");
    }
  }

  @Test
  void refusesAVirtualColumnUnderFullIdentity() throws Exception {
    try (CaptureFixture fixture = new CaptureFixture()) {
      assumeTrue(Integer.parseInt(fixture.query("show server_version_num")) >= 180000);
      fixture.execute(
          "create table t (id int primary key, a int, b int generated always as (a) virtual)",
          "alter table t replica identity full");
      ChangeTracker tracker = fixture.tracker();

      assertThatThrownBy(() -> tracker.ensureTracked(fixture.source, T, () -> true))
          .hasMessageContaining("'b'");

      // Why: it would be the source's own statements that fail.
      fixture.execute("insert into t values (1, 1)", "create publication p for table t");
      assertThatThrownBy(() -> fixture.execute("update t set a = 2"))
          .hasMessageContaining("cannot update");
    }
  }

  @Test
  void anyInstanceCanWaitForWhatAnotherWrites() throws Exception {
    try (CaptureFixture fixture = new CaptureFixture()) {
      fixture.execute("create table t (id int primary key)");
      ChangeTracker capturing = fixture.tracking(T);
      fixture.settle(capturing);
      ChangeTracker waiting = fixture.tracker();

      for (int i = 0; i < 3; i++) {
        fixture.execute("insert into t values (" + i + ")");
        CaptureWaits.untilWritten(waiting, fixture.source, fixture.now());
        assertThat(fixture.read(T)).hasSize(i + 1);
      }
      capturing.close();
      assertThat(waiting.awaitWritten(fixture.source, fixture.now(), Duration.ofMillis(300)))
          .isFalse();
    }
  }

  private static void awaitPhase(ChangeTracker tracker, Phase phase) {
    Await.until(() -> tracker.state(CaptureFixture.CONNECTION).orElseThrow().phase() == phase);
  }
}
