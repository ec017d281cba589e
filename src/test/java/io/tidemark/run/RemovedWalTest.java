package io.tidemark.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.Await;
import io.tidemark.TestStack;
import io.tidemark.sync.SyncState;
import java.util.UUID;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;

/** The source's server removes WAL that a capture has not read. */
@Tag("engine")
@Isolated("limits the WAL that the server keeps for any slot")
class RemovedWalTest {
  private static final String TABLE = "create table t (id int primary key, v text)";

  private final EngineFixture fixture = new EngineFixture();

  @Test
  void bringsWhatWasMissedAfterAReset() {
    try (fixture) {
      TestStack.execute(fixture.source, TABLE);
      TestStack.execute(fixture.target, TABLE);
      TestStack.execute(
          fixture.source, "insert into t select g, 'a' from generate_series(1, 100) g");
      fixture.start();
      UUID t = fixture.create("t", "");
      fixture.awaitState(t, SyncState.STREAMING);
      String slot = fixture.service().captures().get(0).slot();
      fixture.stop();
      TestStack.execute(fixture.source, "update t set v = 'lost'");

      removeWal(slot);
      fixture.start();
      fixture.awaitCapture("failed");
      assertThat(EngineFixture.content(fixture.target, "t"))
          .isNotEqualTo(EngineFixture.content(fixture.source, "t"));
      EngineFixture.value(fixture.service().resetCapture("source", ResetIf.FAILED));

      fixture.awaitEqual("t");
      fixture.awaitCapture("running");
    }
  }

  private void removeWal(String slot) {
    alterSystem("set max_slot_wal_keep_size = '1MB'");
    try {
      for (int i = 0; i < 4; i++) {
        TestStack.execute(fixture.source, "create table wal_" + i + " (); select pg_switch_wal()");
      }
      // The checkpointer hears of the setting some time after the reload.
      Await.until(
          () -> {
            TestStack.execute(fixture.source, "checkpoint");
            return TestStack.text(
                fixture.source,
                "select wal_status from pg_replication_slots where slot_name = '" + slot + "'");
          },
          "lost"::equals);
    } finally {
      alterSystem("reset max_slot_wal_keep_size");
      Await.until(
          () -> TestStack.text(fixture.source, "show max_slot_wal_keep_size"), "-1"::equals);
    }
  }

  private void alterSystem(String setting) {
    TestStack.execute(fixture.source, "alter system " + setting);
    TestStack.execute(fixture.source, "select pg_reload_conf()");
  }
}
