package io.tidemark.capture;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.Await;
import io.tidemark.capture.CaptureState.Phase;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Nothing is lost or doubled whatever is killed. */
@Tag("engine")
class CaptureKillTest {
  private static final long SEED = System.nanoTime();

  @Test
  void walsendersKilledUnderLoad() throws Exception {
    try (CaptureFixture fixture = new CaptureFixture()) {
      killWalsenders(fixture, 3);
    }
  }

  @Test
  void instancesStoppedAndStartedUnderLoad() throws Exception {
    try (CaptureFixture fixture = new CaptureFixture()) {
      stopAndStart(fixture, 2);
    }
  }

  @Test
  void processesKilledUnderLoad() throws Exception {
    try (CaptureFixture fixture = new CaptureFixture()) {
      killProcesses(fixture, 1);
    }
  }

  @Test
  void aFrozenInstanceIsReplacedAndHarmsNothingWhenItComesBack() throws Exception {
    try (CaptureFixture fixture = new CaptureFixture()) {
      freeze(fixture, 1);
    }
  }

  @Test
  @Tag("soak")
  void longRunOfKills() throws Exception {
    for (int turn = 0; turn < 2; turn++) {
      try (CaptureFixture fixture = new CaptureFixture()) {
        killWalsenders(fixture, 60);
      }
      try (CaptureFixture fixture = new CaptureFixture()) {
        stopAndStart(fixture, 12);
      }
      try (CaptureFixture fixture = new CaptureFixture()) {
        killProcesses(fixture, 12);
      }
      try (CaptureFixture fixture = new CaptureFixture()) {
        freeze(fixture, 3);
      }
    }
  }

  private interface Chaos {
    void run(SplittableRandom random) throws Exception;
  }

  /** Tracks the table, lets it be written to during the chaos, and compares at the end. */
  private static void underLoad(CaptureFixture fixture, Chaos chaos) throws Exception {
    CaptureWorkload workload = new CaptureWorkload(fixture, SEED);
    fixture.tracker().ensureTracked(fixture.source, CaptureWorkload.TABLE, () -> true);
    workload.begin();
    chaos.run(new SplittableRandom(SEED));
    workload.stop();
    ChangeTracker last = fixture.tracker();
    last.start(fixture.source);
    fixture.settle(last);
    workload.verify(fixture.read(CaptureWorkload.TABLE));
  }

  private static void killWalsenders(CaptureFixture fixture, int kills) throws Exception {
    underLoad(
        fixture,
        random -> {
          fixture.tracker().start(fixture.source);
          for (int kill = 0; kill < kills; kill++) {
            String killed =
                "select pg_terminate_backend(active_pid) from pg_replication_slots"
                    + " where active_pid is not null and slot_name = '"
                    + fixture.names().slot()
                    + "'";
            Await.until(() -> fixture.query(killed).equals("t"));
            Thread.sleep(random.nextInt(400));
          }
        });
  }

  private static void stopAndStart(CaptureFixture fixture, int turns) throws Exception {
    underLoad(
        fixture,
        random -> {
          for (int turn = 0; turn < turns; turn++) {
            try (ChangeTracker tracker = fixture.tracker()) {
              tracker.start(fixture.source);
              Await.until(
                  () ->
                      tracker.state(CaptureFixture.CONNECTION).orElseThrow().phase()
                          == Phase.RUNNING);
              Thread.sleep(random.nextInt(700));
            }
          }
        });
  }

  private static void killProcesses(CaptureFixture fixture, int kills) throws Exception {
    underLoad(
        fixture,
        random -> {
          // A process stands by for each one that is killed, as instances do.
          CaptureProcess active = new CaptureProcess(fixture);
          for (int kill = 0; kill < kills; kill++) {
            CaptureProcess killed = active;
            Await.until(() -> killed.phase().equals("RUNNING"));
            active = new CaptureProcess(fixture);
            Thread.sleep(random.nextInt(1500));
            killed.kill();
          }
          CaptureProcess survivor = active;
          Await.until(() -> survivor.phase().equals("RUNNING"));
          survivor.kill();
        });
  }

  private static void freeze(CaptureFixture fixture, int turns) throws Exception {
    underLoad(
        fixture,
        random -> {
          try (CaptureProcess one = new CaptureProcess(fixture);
              CaptureProcess other = new CaptureProcess(fixture)) {
            for (int turn = 0; turn < turns; turn++) {
              Await.until(() -> one.phase().equals("RUNNING") || other.phase().equals("RUNNING"));
              CaptureProcess active = one.phase().equals("RUNNING") ? one : other;
              CaptureProcess standby = active == one ? other : one;
              Await.until(() -> standby.phase().equals("STANDBY"));
              Thread.sleep(random.nextInt(1000));
              active.freeze();
              Await.until(() -> standby.phase().equals("RUNNING"));
              active.thaw();
              Await.until(() -> active.phase().equals("STANDBY"));
              assertThat(standby.phase()).isEqualTo("RUNNING");
            }
          }
        });
  }
}
