package io.tidemark.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.TestStack;
import io.tidemark.sync.Refusal;
import io.tidemark.sync.SyncState;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("engine")
class CaptureResetTest {
  private static final String TABLES =
      "create table t (id int primary key, v text); create table u (id int primary key, v text)";

  private final EngineFixture fixture = new EngineFixture();

  @BeforeEach
  void tables() {
    TestStack.execute(fixture.source, TABLES);
    TestStack.execute(fixture.target, TABLES);
    TestStack.execute(fixture.source, "insert into t select g, 'a' from generate_series(1, 100) g");
  }

  @AfterEach
  void stop() {
    fixture.close();
  }

  private String slot() {
    return fixture.service().captures().get(0).slot();
  }

  /** Drops the slot while it is read, and changes rows where nobody sees it. */
  private void loseChanges() {
    // In one session: between the two the capture would take the slot again.
    TestStack.execute(
        fixture.source,
        """
        do $$
        begin
          for i in 1..2000 loop
            begin
              perform pg_terminate_backend(active_pid)
              from pg_replication_slots
              where slot_name = '%1$s' and active_pid is not null;
              perform pg_drop_replication_slot('%1$s');
              return;
            exception when object_in_use then
              perform pg_sleep(0.005);
            end;
          end loop;
          raise exception 'the slot stays in use';
        end
        $$
        """
            .formatted(slot()));
    TestStack.execute(
        fixture.source,
        "update t set v = 'lost' where id <= 10; delete from t where id = 20;"
            + " insert into u select g, 'lost' from generate_series(1, 5) g");
  }

  private List<Execution> reset() {
    return EngineFixture.value(fixture.service().resetCapture("source", ResetIf.FAILED));
  }

  @Test
  void bringsWhatWasMissedWhenTheSlotWasDropped() {
    fixture.start();
    UUID t = fixture.create("t", "");
    UUID u = fixture.create("u", "");
    fixture.awaitState(t, SyncState.STREAMING);
    fixture.awaitState(u, SyncState.STREAMING);

    loseChanges();
    fixture.awaitCapture("failed");
    assertThat(fixture.engine().problems())
        .anyMatch(problem -> problem.contains("POST /captures/source/reset"));
    List<Execution> started = reset();

    assertThat(started).extracting(Execution::configurationId).containsExactlyInAnyOrder(t, u);
    assertThat(started).allMatch(one -> one.mode() == ExecutionMode.FULL);
    started.forEach(one -> fixture.awaitCompleted(one.id()));
    TestStack.execute(fixture.source, "insert into t values (1000, 'after')");
    fixture.awaitEqual("t");
    fixture.awaitEqual("u");
    fixture.awaitState(t, SyncState.STREAMING);
    fixture.awaitCapture("running");
  }

  @Test
  void copiesAPausedConfigurationWhenItIsResumed() {
    fixture.start();
    UUID t = fixture.create("t", "");
    fixture.awaitState(t, SyncState.STREAMING);
    fixture.service().pause(t);

    loseChanges();
    fixture.awaitCapture("failed");
    assertThat(reset()).isEmpty();
    fixture.service().resume(t);

    fixture.awaitEqual("t");
  }

  @Test
  void goesOnAfterACrashInTheMiddleOfAReset() {
    fixture.start();
    UUID t = fixture.create("t", "");
    fixture.awaitState(t, SyncState.STREAMING);
    loseChanges();
    fixture.awaitCapture("failed");
    fixture.stop();

    // As a reset leaves things that forgot the positions and got no further.
    TestStack.execute(fixture.target, "delete from tidemark.applied_position");
    fixture.start();
    fixture.awaitCapture("failed");
    reset();

    fixture.awaitEqual("t");
  }

  @Test
  void refusesWhileTheCaptureRunsUnlessForced() {
    fixture.start();
    UUID t = fixture.create("t", "");
    fixture.awaitState(t, SyncState.STREAMING);
    fixture.awaitCapture("running");

    Refusal refusal =
        fixture.service().resetCapture("source", ResetIf.FAILED).refusal().orElseThrow();
    assertThat(refusal.reason()).isEqualTo(Refusal.Reason.STATE);
    assertThat(refusal.detail()).contains("force");

    List<Execution> started =
        EngineFixture.value(fixture.service().resetCapture("source", ResetIf.ALWAYS));
    started.forEach(one -> fixture.awaitCompleted(one.id()));
    TestStack.execute(fixture.source, "insert into t values (1000, 'after')");
    fixture.awaitEqual("t");
  }

  @Test
  void knowsNoCaptureOfAnUnknownConnection() {
    fixture.start();

    assertThat(
            fixture
                .service()
                .resetCapture("nowhere", ResetIf.ALWAYS)
                .refusal()
                .orElseThrow()
                .reason())
        .isEqualTo(Refusal.Reason.UNKNOWN);
  }
}
