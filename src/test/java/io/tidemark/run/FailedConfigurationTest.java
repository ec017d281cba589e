package io.tidemark.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.Await;
import io.tidemark.TestStack;
import io.tidemark.sync.SyncState;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A configuration that failed says so in its state and in health, whatever it failed at. */
@Tag("engine")
class FailedConfigurationTest {
  private final EngineFixture fixture = new EngineFixture();

  @BeforeEach
  void tables() {
    String table = "create table t (id int primary key, n int";
    TestStack.execute(fixture.source, table + "); insert into t values (1, -1)");
    TestStack.execute(fixture.target, table + " constraint positive check (n > 0))");
    fixture.start();
  }

  @AfterEach
  void stop() {
    fixture.close();
  }

  @Test
  void aFirstCopyThatTheTargetRefuses() {
    UUID t = fixture.create("t", "");
    fixture.awaitState(t, SyncState.FAILED);
    awaitProblem("its first copy failed: ");

    accept();
    fixture.service().resume(t);

    fixture.awaitEqual("t");
    fixture.awaitState(t, SyncState.STREAMING);
    awaitNoProblem();
  }

  @Test
  void aFirstCopyThatWasCancelled() {
    UUID t = fixture.create("t", "");
    fixture.awaitState(t, SyncState.FAILED);
    fixture.updateStore("update sync_executions set status = 'cancelled'");

    awaitProblem("its first copy was cancelled");
  }

  @Test
  void aFirstMergeThatTheTargetRefuses() {
    UUID t = fixture.create("t", ", \"sync_strategy\": \"merge\"");

    fixture.awaitState(t, SyncState.FAILED);
    awaitProblem("its first copy failed: ");
  }

  @Test
  void aScheduledCopyThatTheTargetRefuses() {
    UUID t = fixture.create("t", ", \"sync_strategy\": \"full\", \"sync_interval_seconds\": 1");
    fixture.awaitState(t, SyncState.FAILED);
    awaitProblem("its last execution failed: ");

    accept();

    fixture.awaitState(t, SyncState.SCHEDULED);
    awaitNoProblem();
  }

  @Test
  void afterARestart() {
    UUID t = fixture.create("t", "");
    fixture.awaitState(t, SyncState.FAILED);

    fixture.start();

    awaitProblem("its first copy failed: ");
  }

  @Test
  void resumedInVain() {
    UUID t = fixture.create("t", "");
    fixture.awaitState(t, SyncState.FAILED);

    fixture.service().resume(t);

    fixture.awaitState(t, SyncState.FAILED);
    awaitProblem("its first copy failed: ");
  }

  @Test
  void aFirstCopyThatWasInterruptedIsRepeatedWithoutAskingForIt() throws SQLException {
    UUID t = fixture.create("t", "");
    fixture.awaitState(t, SyncState.FAILED);
    fixture.stop();
    fixture.updateStore(
        "update sync_executions set error_code = 'interrupted', error_message = 'its process ended'");
    accept();
    try (Connection holder = fixture.target.open("holder");
        Statement statement = holder.createStatement()) {
      holder.setAutoCommit(false);
      statement.execute("lock table t in exclusive mode");
      fixture.start();

      Await.untilAsserted(
          () ->
              assertThat(fixture.find(t).configuration().reason())
                  .contains("its first copy was interrupted, and is repeated"));
      fixture.awaitState(t, SyncState.INITIALIZING);
      awaitNoProblem();
      holder.rollback();
    }
    fixture.awaitState(t, SyncState.STREAMING);
  }

  /** Else health would be green each time the batch is read before it fails again. */
  @Test
  void aBatchThatFailsAgainAndAgain() {
    accept();
    UUID t = fixture.create("t", "");
    fixture.awaitState(t, SyncState.STREAMING);

    TestStack.execute(
        fixture.source,
        "alter table t rename n to m; insert into t select g, g from generate_series(2, 800) g");
    fixture.awaitState(t, SyncState.FAILED);

    List<Boolean> red = new ArrayList<>();
    Await.until(
        () -> {
          red.add(!fixture.engine().problems().isEmpty());
          return red.size();
        },
        looks -> looks >= 100);
    assertThat(red).containsOnly(true);
    awaitLag(799);
    fixture.start();
    awaitProblem("");
    awaitLag(799);
  }

  private void awaitLag(long events) {
    Await.untilAsserted(
        () ->
            assertThat(fixture.engine().streams())
                .singleElement()
                .satisfies(
                    stream -> assertThat(stream.lagEvents()).isGreaterThanOrEqualTo(events)));
  }

  private void accept() {
    TestStack.execute(fixture.target, "alter table t drop constraint positive");
  }

  private void awaitProblem(String reason) {
    Await.untilAsserted(
        () ->
            assertThat(fixture.engine().problems())
                .anyMatch(problem -> problem.startsWith("configuration 't': " + reason)));
  }

  private void awaitNoProblem() {
    Await.untilAsserted(() -> assertThat(fixture.engine().problems()).isEmpty());
  }
}
