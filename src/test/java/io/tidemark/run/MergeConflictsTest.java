package io.tidemark.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.Await;
import io.tidemark.TestStack;
import io.tidemark.sync.SyncState;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** When the questions of merges end that nobody has answered. */
@Tag("engine")
class MergeConflictsTest {
  private static final String MANUAL_MERGE =
      ", \"sync_strategy\": \"merge\", \"conflict_resolution\": \"manual\"";

  private final EngineFixture fixture = new EngineFixture();

  @BeforeEach
  void tables() {
    String table = "create table t (id int primary key, v text);";
    TestStack.execute(
        fixture.source, table + "insert into t values (1, 'ours'), (2, 'both'), (3, 'new')");
    TestStack.execute(fixture.target, table + "insert into t values (1, 'theirs'), (2, 'both')");
    fixture.start();
  }

  @AfterEach
  void stop() {
    fixture.close();
  }

  @Test
  void afterAFullSyncWhereNothingIsCaptured() {
    UUID t = fixture.create("t", MANUAL_MERGE + ", \"sync_interval_seconds\": 86400");
    awaitPending(t, 1);

    execute(t, ExecutionMode.FULL);

    awaitPending(t, 0);
    fixture.awaitEqual("t");
  }

  @Test
  void afterAFullSyncAlsoIfLaterChangesJoinedThem() {
    UUID t = fixture.create("t", MANUAL_MERGE);
    fixture.awaitState(t, SyncState.STREAMING);
    awaitPending(t, 1);
    TestStack.execute(
        fixture.source, "update t set v = 'ours again' where id = 1; insert into t values (4, '')");
    Await.until(() -> TestStack.text(fixture.target, "select count(*) from t").equals("4"));
    assertThat(TestStack.text(fixture.target, "select v from t where id = 1")).isEqualTo("theirs");

    execute(t, ExecutionMode.FULL);

    awaitPending(t, 0);
    fixture.awaitEqual("t");
    TestStack.execute(fixture.source, "update t set v = 'flows' where id = 1");
    fixture.awaitEqual("t");
  }

  private void execute(UUID configuration, ExecutionMode mode) {
    // What has put conflicts on record may be about to end.
    Await.until(() -> fixture.find(configuration).lastExecution().status().isFinal());
    Execution execution =
        EngineFixture.value(
            fixture.service().execute(configuration, mode, ExecutionTrigger.MANUAL));
    fixture.awaitCompleted(execution.id());
  }

  private void awaitPending(UUID configuration, long count) {
    Await.until(() -> fixture.find(configuration).conflictsPending() == count);
  }
}
