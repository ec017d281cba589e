package io.tidemark.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.TestStack;
import io.tidemark.sync.SyncState;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Somebody else moves the target's position again and again while the loop writes one batch and has
 * read the next: nothing is left out, and nothing is written twice.
 */
class OvertakenStreamTest {
  private static final int TRANSACTIONS = 20;
  private static final int ROWS = 1500;

  private EngineFixture fixture;

  @AfterEach
  void close() {
    fixture.close();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3})
  void goesOnWhereTheTargetStands(int partitions) throws Exception {
    fixture = new EngineFixture(partitions);
    TestStack.execute(fixture.source, "create table t (id int primary key, v text)");
    TestStack.execute(fixture.target, "create table t (id int primary key, v text)");
    fixture.start();
    // Whatever were written twice would be found there.
    UUID t = fixture.create("t", ", \"conflict_detection\": \"existence\", \"batch_size\": 400");
    fixture.awaitState(t, SyncState.STREAMING);

    AtomicBoolean enough = new AtomicBoolean();
    CompletableFuture<Void> overtaking = CompletableFuture.runAsync(() -> overtake(enough));
    try {
      for (int i = 0; i < TRANSACTIONS; i++) {
        TestStack.execute(
            fixture.source,
            "insert into t select i, 'row ' || i from generate_series(%d, %d) i"
                .formatted(i * ROWS, (i + 1) * ROWS - 1));
      }
      fixture.awaitEqual("t");
    } finally {
      enough.set(true);
      overtaking.get(30, TimeUnit.SECONDS);
    }

    assertThat(fixture.conflicts(t)).isEmpty();
  }

  /** As a merge beside the stream does when it has written. */
  private void overtake(AtomicBoolean enough) {
    while (!enough.get()) {
      TestStack.execute(
          fixture.target,
          "update tidemark.applied_position set turn = pg_current_xact_id()::text::int8");
      // Some batches get through in between.
      LockSupport.parkNanos(Duration.ofMillis(30).toNanos());
    }
  }
}
