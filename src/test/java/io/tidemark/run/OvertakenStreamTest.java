package io.tidemark.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.Await;
import io.tidemark.Background;
import io.tidemark.TestStack;
import io.tidemark.sync.SyncState;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Somebody else moves the target's position again and again while the loop writes one batch and has
 * read the next: nothing is left out, and nothing is written twice.
 */
@Tag("engine")
class OvertakenStreamTest {
  private static final int TRANSACTIONS = 40;
  private static final int TRANSACTIONS_IN_SOAK = 300;
  private static final int ROWS = 400;

  private EngineFixture fixture;

  @AfterEach
  void close() {
    fixture.close();
  }

  @ParameterizedTest
  @CsvSource({"1, 1", "3, 1", "3, 2"})
  void goesOnWhereTheTargetStands(int partitions, int sessions) throws Exception {
    overtaken(partitions, sessions, TRANSACTIONS);
  }

  @ParameterizedTest
  @CsvSource({"1, 1", "3, 1", "3, 2"})
  @Tag("soak")
  void goesOnHoweverOftenItIsOvertaken(int partitions, int sessions) throws Exception {
    overtaken(partitions, sessions, TRANSACTIONS_IN_SOAK);
  }

  private void overtaken(int partitions, int sessions, int transactions) throws Exception {
    fixture = new EngineFixture(partitions, sessions);
    TestStack.execute(fixture.source, "create table t (id int primary key, v text)");
    TestStack.execute(fixture.target, "create table t (id int primary key, v text)");
    fixture.start();
    // Whatever were written twice would be found there.
    UUID t = fixture.create("t", ", \"conflict_detection\": \"existence\", \"batch_size\": 400");
    fixture.awaitState(t, SyncState.STREAMING);

    AtomicBoolean enough = new AtomicBoolean();
    CompletableFuture<Void> overtaking =
        CompletableFuture.runAsync(() -> overtake(enough), Background.THREADS);
    try {
      for (int i = 0; i < transactions; i++) {
        TestStack.execute(
            fixture.source,
            "insert into t select i, 'row ' || i from generate_series(%d, %d) i"
                .formatted(i * ROWS, (i + 1) * ROWS - 1));
      }
      fixture.awaitEqual("t");
    } finally {
      enough.set(true);
      Await.result(overtaking);
    }

    assertThat(fixture.conflicts(t)).isEmpty();
  }

  /**
   * As a merge beside the stream does when it has written: each time the stream has got on, so that
   * it hits what is being written next, and the stream does get on.
   */
  private void overtake(AtomicBoolean enough) {
    String seen = "";
    while (!enough.get()) {
      String standing =
          TestStack.text(
              fixture.target, "select sum(next_offset)::text from tidemark.applied_position");
      if (!standing.equals(seen)) {
        seen = standing;
        TestStack.execute(
            fixture.target,
            "update tidemark.applied_position set turn = pg_current_xact_id()::text::int8");
      }
    }
  }
}
