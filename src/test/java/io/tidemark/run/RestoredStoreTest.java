package io.tidemark.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.Await;
import io.tidemark.TestStack;
import io.tidemark.sync.SyncState;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * The metadata database is restored from an older backup: what it forgot with that is named, and
 * nothing is named otherwise.
 */
@Tag("engine")
class RestoredStoreTest {
  private static final String LOST = "restored from a backup and has lost";

  private final EngineFixture fixture = new EngineFixture();
  private UUID t;

  @BeforeEach
  void stream() {
    tables("t", "u");
    fixture.start();
    t = fixture.create("t", "");
    fixture.awaitState(t, SyncState.STREAMING);
  }

  private void tables(String... names) {
    for (String name : names) {
      String table = "create table " + name + " (id int primary key, n int";
      TestStack.execute(fixture.source, table + ")");
      TestStack.execute(fixture.target, table + " check (n > 0))");
    }
  }

  @AfterEach
  void stop() {
    fixture.close();
  }

  @Test
  void refusedRowsOfSinceAreGone() {
    fixture.backUpStore();
    TestStack.execute(fixture.source, "insert into t values (1, -1), (2, 2)");
    awaitRemembered();

    fixture.restoreStore();
    awaitLost();
    // Also once there are more records than the backup lacks, and after another start.
    TestStack.execute(fixture.source, "insert into t select -g, -g from generate_series(1, 50) g");
    Await.untilAsserted(
        () -> assertThat(fixture.engine().warnings()).anyMatch(one -> one.contains("refused: ")));
    fixture.start();
    awaitLost();

    TestStack.execute(fixture.target, "alter table t drop constraint t_n_check");
    fixture.awaitCompleted(execute(ExecutionMode.FULL));
    fixture.awaitEqual("t");
    awaitNotLost();
  }

  @Test
  void underAProcessThatRuns() {
    fixture.backUpStore();
    TestStack.execute(fixture.source, "insert into t values (1, -1), (2, 2)");
    awaitRemembered();

    fixture.restoreStoreWhileItRuns();
    awaitLost();
    TestStack.execute(fixture.target, "alter table t drop constraint t_n_check");
    fixture.awaitCompleted(execute(ExecutionMode.FULL));
    awaitNotLost();
    // Nor does it come back with the next looks.
    TestStack.execute(fixture.source, "insert into t values (3, 3)");
    fixture.awaitEqual("t");
    fixture.engine().sweepNow();
    awaitNotLost();
  }

  @Test
  void aVerificationThatFindsBothEqualEndsIt() {
    fixture.backUpStore();
    TestStack.execute(fixture.source, "insert into t values (1, -1), (2, 2)");
    awaitRemembered();
    TestStack.execute(fixture.source, "delete from t where id = 1");
    fixture.awaitEqual("t");

    fixture.restoreStore();
    awaitLost();
    fixture.awaitCompleted(execute(ExecutionMode.VERIFY));

    awaitNotLost();
  }

  @Test
  void aConfigurationOfSinceIsNamed() {
    fixture.backUpStore();
    UUID u = fixture.create("u", "");
    fixture.awaitState(u, SyncState.STREAMING);
    Await.until(() -> owner(u), fixture.prefix::equals);

    fixture.restoreStore();
    fixture.engine().sweepNow();

    assertThat(fixture.engine().warnings())
        .singleElement()
        .asString()
        .contains("connection 'target'", u.toString(), "delete from tidemark.applied_position");
  }

  @Test
  void nothingIsNamedAfterAnOrdinaryRestart() {
    TestStack.execute(fixture.source, "insert into t values (1, -1), (2, 2)");
    awaitRemembered();
    fixture.start();
    fixture.engine().sweepNow();
    // The look of the new process: it comes once the stream has begun.
    TestStack.execute(fixture.source, "insert into t values (3, -3)");
    Await.until(() -> mark(), now -> now.equals("2"));

    List<String> warnings = fixture.engine().warnings();
    assertThat(warnings).noneMatch(one -> one.contains(LOST) || one.contains("does not know"));
  }

  private UUID execute(ExecutionMode mode) {
    return EngineFixture.value(fixture.service().execute(t, mode, ExecutionTrigger.MANUAL)).id();
  }

  private void awaitRemembered() {
    Await.until(this::mark, "1"::equals);
  }

  private String mark() {
    return TestStack.text(fixture.target, "select max(store_mark) from tidemark.applied_position");
  }

  private String owner(UUID configuration) {
    return TestStack.text(
        fixture.target,
        "select max(installation) from tidemark.applied_position where configuration_id = '"
            + configuration
            + "'");
  }

  private void awaitLost() {
    Await.untilAsserted(
        () -> assertThat(fixture.engine().warnings()).anyMatch(one -> one.contains(LOST)));
  }

  private void awaitNotLost() {
    Await.untilAsserted(
        () -> assertThat(fixture.engine().warnings()).noneMatch(one -> one.contains(LOST)));
  }
}
