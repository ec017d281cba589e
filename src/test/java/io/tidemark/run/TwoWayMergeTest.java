package io.tidemark.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.Await;
import io.tidemark.TestStack;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.sync.SyncState;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Merges of both directions while users write on both sides, each side rows of its own: whatever is
 * merged meanwhile, such a row is in the end what its users last made of it, and no conflict.
 */
@Tag("every-postgres")
@Tag("engine")
class TwoWayMergeTest {
  private static final int ROWS = 100;
  private static final String BOTH_WAYS =
      ", \"sync_strategy\": \"merge\", \"bidirectional\": true, \"conflict_resolution\": \"%s\"";

  private final EngineFixture fixture = new EngineFixture();
  private final SplittableRandom random = seeded();

  private static SplittableRandom seeded() {
    long seed = System.nanoTime();
    System.out.println("seed " + seed);
    return new SplittableRandom(seed);
  }

  @BeforeEach
  void tables() {
    for (PgDatabase side : new PgDatabase[] {fixture.source, fixture.target}) {
      TestStack.execute(
          side,
          """
          create table t (id int primary key, v text, updated_at timestamptz);
          insert into t select i, 'old', '2024-01-01Z' from generate_series(0, 2 * %d - 1) i
          """
              .formatted(ROWS));
    }
    fixture.start();
  }

  @AfterEach
  void stop() {
    fixture.close();
  }

  @ParameterizedTest
  @ValueSource(strings = {"source_wins", "manual"})
  void besideTheLoopUndoNothing(String strategy) throws Exception {
    UUID t = fixture.create("t", BOTH_WAYS.formatted(strategy));
    fixture.awaitState(t, SyncState.STREAMING);
    try (Users here = new Users(fixture.source, 0);
        Users there = new Users(fixture.target, ROWS)) {
      long hereMeanwhile = 0;
      long thereMeanwhile = 0;
      for (int i = 0; i < 4 || hereMeanwhile < 50 || thereMeanwhile < 50; i++) {
        long hereBefore = here.written();
        long thereBefore = there.written();
        merge(t);
        hereMeanwhile += here.written() - hereBefore;
        thereMeanwhile += there.written() - thereBefore;
      }
      here.stop();
      there.stop();

      awaitModels(here, there);
    }
    assertThat(fixture.conflicts(t)).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"target_wins", "manual"})
  void withWhichTheLoopBeginsBringNothingBack(String strategy) throws Exception {
    for (PgDatabase side : new PgDatabase[] {fixture.source, fixture.target}) {
      TestStack.execute(
          side,
          "insert into t select i, repeat('x', 200) from generate_series(1000, 40000) i"
              + " where i % 5 <> "
              + (side == fixture.source ? 0 : 1));
    }
    UUID t = fixture.create("t", BOTH_WAYS.formatted(strategy));
    // From here on the merge's snapshot has been taken.
    Await.until(() -> isReading(fixture.find(t).lastExecution()));
    try (Users here = new Users(fixture.source, 0);
        Users there = new Users(fixture.target, ROWS)) {
      fixture.awaitState(t, SyncState.STREAMING);
      System.out.println("during the merge: " + here.stop() + " and " + there.stop());

      awaitModels(here, there);
    }
    fixture.awaitEqual("t");
  }

  private static boolean isReading(Execution execution) {
    return execution != null && execution.counts().rowsRead() > 0;
  }

  private void merge(UUID t) {
    Execution execution =
        EngineFixture.value(
            fixture.service().execute(t, ExecutionMode.MERGE, ExecutionTrigger.MANUAL));
    fixture.awaitCompleted(execution.id());
  }

  private void awaitModels(Users here, Users there) {
    Map<Integer, String> expected = new TreeMap<>(here.rows);
    expected.putAll(there.rows);
    Await.untilAsserted(
        () -> {
          assertThat(
                  Map.of(
                      "source", differing(fixture.source, expected),
                      "target", differing(fixture.target, expected)))
              .isEqualTo(Map.of("source", List.of(), "target", List.of()));
        });
  }

  /** What a side has otherwise, and what is expected. */
  private static List<String> differing(PgDatabase side, Map<Integer, String> expected) {
    String rows =
        TestStack.text(side, "select string_agg(id || ':' || v, ' ') from t where id < 1000");
    Map<Integer, String> actual = new TreeMap<>();
    for (String row : rows.split(" ", -1)) {
      actual.put(Integer.valueOf(row.split(":", -1)[0]), row.split(":", -1)[1]);
    }
    List<String> differing = new ArrayList<>();
    for (int id = 0; id < 2 * ROWS; id++) {
      if (!Objects.equals(actual.get(id), expected.get(id))) {
        differing.add(id + ": " + actual.get(id) + " not " + expected.get(id));
      }
    }
    return differing;
  }

  /** Users of one side, who write rows of their own. */
  private final class Users implements AutoCloseable {
    private static final Duration PAUSE = Duration.ofMillis(8);

    private final PgDatabase side;
    private final int from;
    private final SplittableRandom own = random.split();
    private final TreeMap<Integer, String> rows = new TreeMap<>();
    private final AtomicBoolean stopping = new AtomicBoolean();
    private final AtomicLong writes = new AtomicLong();
    private final Thread thread = new Thread(this::write, "users");
    private final AtomicReference<SQLException> failure = new AtomicReference<>();

    Users(PgDatabase side, int from) {
      this.side = side;
      this.from = from;
      for (int i = from; i < from + ROWS; i++) {
        rows.put(i, "old");
      }
      thread.start();
    }

    private void write() {
      try (Connection connection = side.open("users");
          Statement statement = connection.createStatement()) {
        while (!stopping.get()) {
          int id = from + own.nextInt(ROWS);
          String value = "v" + writes.get();
          if (!rows.containsKey(id)) {
            statement.execute("insert into t values (%d, '%s', now())".formatted(id, value));
            rows.put(id, value);
          } else if (own.nextInt(3) == 0) {
            statement.execute("delete from t where id = " + id);
            rows.remove(id);
          } else {
            statement.execute(
                "update t set v = '%s', updated_at = now() where id = %d".formatted(value, id));
            rows.put(id, value);
          }
          writes.incrementAndGet();
          // Otherwise the machine is busy with the users, and a merge waits for its turn.
          LockSupport.parkNanos(PAUSE.toNanos());
        }
      } catch (SQLException e) {
        failure.set(e);
      }
    }

    /** Writes so far; fails if there will be no more. */
    long written() throws SQLException {
      if (failure.get() != null) {
        throw failure.get();
      }
      return writes.get();
    }

    long stop() throws InterruptedException, SQLException {
      stopping.set(true);
      thread.join();
      if (failure.get() != null) {
        throw failure.get();
      }
      return writes.get();
    }

    @Override
    public void close() {
      stopping.set(true);
    }
  }
}
