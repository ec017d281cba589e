package io.tidemark.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.Await;
import io.tidemark.Background;
import io.tidemark.TestStack;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.postgres.PgOrigins;
import io.tidemark.sync.SyncState;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Whether a comparison finds what differs, and nothing else, while both sides change. */
@Tag("every-postgres")
@Tag("engine")
class VerifyTest {
  private static final String TABLE =
      """
      create table t (
        id bigint primary key, v text, n numeric, at timestamptz, j jsonb)
      """;

  private static final String ROWS =
      """
      insert into t
      select i, 'row ' || i, i / 7.0, '2024-01-01'::timestamptz + i * interval '1 s',
             jsonb_build_object('i', i)
      from generate_series(1, 20000) i
      """;

  private final EngineFixture fixture = new EngineFixture();

  @BeforeEach
  void fill() {
    TestStack.execute(fixture.source, TABLE + ";" + ROWS);
    TestStack.execute(fixture.target, TABLE);
    fixture.start();
  }

  @AfterEach
  void close() {
    fixture.close();
  }

  private UUID streaming(String more) {
    UUID t = fixture.create("t", more);
    fixture.awaitState(t, SyncState.STREAMING);
    return t;
  }

  private VerificationResult verify(UUID configuration, boolean repair) {
    UUID execution =
        EngineFixture.value(
                fixture.service().verify(configuration, repair, ExecutionTrigger.MANUAL))
            .id();
    fixture.awaitCompleted(execution);
    return Objects.requireNonNull(fixture.execution(execution).verification());
  }

  private static void plant(PgDatabase target) {
    TestStack.execute(
        target,
        """
        delete from t where id in (17, 4711);
        insert into t values (-1, 'nobody sent it', 1, now(), '{}');
        update t set v = 'row 100.' where id = 100;
        update t set n = round(n, 3), j = '{"i": 101, "x": null}' where id = 101
        """);
  }

  @Test
  void findsWhatWasPlantedAndNamesIt() {
    UUID t = streaming("");
    VerificationResult before = verify(t, false);
    assertThat(before.equal()).isTrue();
    assertThat(before.rowsCompared()).isEqualTo(20_000);
    assertThat(before.samples()).isEmpty();

    plant(fixture.target);
    VerificationResult found = verify(t, false);

    assertThat(found.equal()).isFalse();
    assertThat(List.of(found.missing(), found.extra(), found.different()))
        .isEqualTo(List.of(2L, 1L, 2L));
    assertThat(found.samples())
        .extracting(one -> one.kind() + " " + one.key() + " " + one.columns())
        .containsExactlyInAnyOrder(
            "missing {id=17} []",
            "missing {id=4711} []",
            "extra {id=-1} []",
            "different {id=100} [v]",
            "different {id=101} [n, j]");
    assertThat(fixture.find(t).configuration().state()).isEqualTo(SyncState.STREAMING);
  }

  @Test
  void repairsWhatItFinds() {
    UUID t = streaming("");
    plant(fixture.target);

    VerificationResult found = verify(t, true);

    assertThat(found.equal()).isTrue();
    assertThat(found.repaired()).isEqualTo(new VerificationResult.Repaired("full", 2, 1, 2));
    fixture.awaitEqual("t");
  }

  @Test
  void whatItFindsNeedsAPersonUntilItIsRepaired() {
    UUID t = streaming("");
    plant(fixture.target);

    verify(t, false);

    Await.untilAsserted(
        () ->
            assertThat(fixture.engine().attention().warnings())
                .singleElement()
                .asString()
                .contains("configuration 't'", "differed in 5 rows", "repair"));
    assertThat(fixture.engine().attention().verified().get("t").unequal()).isEqualTo(5);

    verify(t, true);

    Await.untilAsserted(() -> assertThat(fixture.engine().attention().warnings()).isEmpty());
    assertThat(fixture.engine().attention().verified().get("t").unequal()).isZero();
  }

  @Test
  void repairsByThePolicyOfAMerge() {
    UUID t = streaming(", \"sync_strategy\": \"merge\", \"conflict_resolution\": \"target_wins\"");
    plant(fixture.target);

    VerificationResult found = verify(t, true);

    assertThat(found.repaired()).isEqualTo(new VerificationResult.Repaired("merge", 2, 1, 2));
    assertThat(List.of(found.missing(), found.extra(), found.different()))
        .as("the target keeps what it has")
        .isEqualTo(List.of(0L, 1L, 2L));
  }

  @Test
  void setsRowsAsideThatWaitForAPerson() {
    UUID t = streaming(", \"sync_strategy\": \"merge\", \"conflict_resolution\": \"manual\"");
    TestStack.execute(fixture.target, "update t set v = 'ours' where id = 5");
    TestStack.execute(fixture.source, "update t set v = 'theirs' where id = 5");
    Await.until(() -> fixture.conflicts(t).size() == 1);

    VerificationResult found = verify(t, false);

    assertThat(found.equal()).isTrue();
    assertThat(found.undecided()).isOne();
    assertThat(found.different()).isZero();
  }

  @Test
  void comparesWithoutAStream() {
    UUID t = fixture.create("t", ", \"sync_strategy\": \"full\"");
    VerificationResult empty = verify(t, false);
    assertThat(empty.missing()).isEqualTo(20_000);
    assertThat(empty.samples()).hasSize(100);

    assertThat(verify(t, true).equal()).isTrue();
    plant(fixture.target);

    VerificationResult found = verify(t, false);
    assertThat(List.of(found.missing(), found.extra(), found.different()))
        .isEqualTo(List.of(2L, 1L, 2L));
  }

  /** Some rows change hundreds of times while they are compared, and some are really different. */
  @Test
  void takesNothingThatIsUnderWayForADifference() {
    UUID t = streaming("");
    try (Users users = new Users(fixture.source, 1, 20_000)) {
      for (int i = 0; i < 3 || users.written() < 200; i++) {
        VerificationResult found = verify(t, false);
        assertThat(found).matches(VerificationResult::equal, "nothing differs");
      }
      // Rows that the users leave alone, and a hot one that no change brings.
      TestStack.execute(
          fixture.target, "insert into t select -i, 'x' from generate_series(1, 3) i");
      VerificationResult found = verify(t, false);
      assertThat(List.of(found.missing(), found.extra(), found.different()))
          .isEqualTo(List.of(0L, 3L, 0L));
      users.stop();
    }
    assertThat(verify(t, true).equal()).isTrue();
  }

  @Test
  void comparesBothWaysWhileBothSidesChange() throws SQLException {
    UUID t = streaming(", \"sync_strategy\": \"merge\", \"bidirectional\": true");
    TestStack.execute(
        fixture.source, "insert into t select i from generate_series(30001, 31000) i");
    fixture.awaitEqual("t");
    try (Users here = new Users(fixture.source, 1, 10_000);
        Users there = new Users(fixture.target, 10_001, 20_000)) {
      for (int i = 0; i < 2 || here.written() < 100 || there.written() < 100; i++) {
        VerificationResult found = verify(t, false);
        // Rows that change all the time have no moment at which both sides are at rest.
        assertThat(List.of(found.missing(), found.extra(), found.different()))
            .isEqualTo(List.of(0L, 0L, 0L));
        assertThat(found.unsettled()).isLessThanOrEqualTo(2 * Users.HOT);
      }
      here.stop();
      there.stop();
    }
    unheard(fixture.target, t, "update t set v = 'flipped' where id = 30007");

    VerificationResult found = verify(t, false);

    assertThat(found.unsettled()).isZero();
    assertThat(found.different()).isOne();
    assertThat(found.samples().get(0).columns()).containsExactly("v");
  }

  /** Changes a row such that the loop takes the change for its own, and brings it nowhere. */
  private static void unheard(PgDatabase side, UUID configuration, String sql) throws SQLException {
    String origin = PgOrigins.prefix(configuration) + "damage";
    try (Connection connection = side.open("damage");
        Statement statement = connection.createStatement()) {
      statement.execute("select pg_replication_origin_create('" + origin + "')");
      statement.execute("select pg_replication_origin_session_setup('" + origin + "')");
      statement.execute(sql);
      statement.execute("select pg_replication_origin_session_reset()");
      statement.execute("select pg_replication_origin_drop('" + origin + "')");
    }
  }

  /** Users who write at random, some rows again and again. */
  private static final class Users implements AutoCloseable {
    private static final Duration PAUSE = Duration.ofMillis(8);
    private static final int HOT = 3;

    private final AtomicBoolean stopping = new AtomicBoolean();
    private final AtomicInteger written = new AtomicInteger();
    private final CompletableFuture<Void> writing;

    Users(PgDatabase side, int from, int to) {
      SplittableRandom random = new SplittableRandom(from);
      writing =
          CompletableFuture.runAsync(
              () -> {
                try {
                  write(side, random, from, to);
                } catch (SQLException e) {
                  throw new CompletionException(e);
                }
              },
              Background.THREADS);
    }

    private void write(PgDatabase side, SplittableRandom random, int from, int to)
        throws SQLException {
      try (Connection connection = side.open("users");
          Statement statement = connection.createStatement()) {
        while (!stopping.get()) {
          boolean hot = random.nextInt(2) == 0;
          int id = from + random.nextInt(hot ? HOT : to - from);
          statement.execute(
              random.nextInt(4) == 0
                  ? "delete from t where id = " + id
                  : ("insert into t values (%1$d, 'w%2$d', %2$d, now(), null) on conflict (id)"
                          + " do update set v = excluded.v, n = excluded.n")
                      .formatted(id, written.get()));
          written.incrementAndGet();
          LockSupport.parkNanos(PAUSE.toNanos());
        }
      }
    }

    /** Writes so far; fails if there will be no more. */
    int written() {
      if (writing.isCompletedExceptionally()) {
        writing.join();
      }
      return written.get();
    }

    void stop() {
      stopping.set(true);
      writing.join();
    }

    @Override
    public void close() {
      stopping.set(true);
    }
  }
}
