package io.tidemark.copy;

import static io.tidemark.conflict.ConflictResolution.MANUAL;
import static io.tidemark.conflict.ConflictResolution.SOURCE_WINS;
import static io.tidemark.conflict.ConflictResolution.TARGET_WINS;
import static io.tidemark.conflict.Verdict.APPLY;
import static io.tidemark.conflict.Verdict.KEEP;
import static io.tidemark.conflict.Verdict.REVIEW;
import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.Await;
import io.tidemark.change.OperatingFailure.Kind;
import io.tidemark.conflict.ConflictResolution;
import io.tidemark.conflict.Detected;
import io.tidemark.copy.MergeOutcome.Completed;
import io.tidemark.postgres.PgSession;
import io.tidemark.postgres.PgSession.Begin;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A merge and a stream together lose no change, undo none, and find no conflict that is none. */
@Tag("database")
class MergeJoinTest {
  private static final int KEYS = 3000;

  private PgFixture pg;
  private LoggedTopic topic;
  private RecordedConflicts log;

  @BeforeEach
  void open() {
    pg = new PgFixture();
    topic = new LoggedTopic(pg);
    log = new RecordedConflicts();
    pg.atSource.execute(LoggedStream.TABLES);
    pg.atTarget.execute("create table t (id int8 primary key, a text, version int not null)");
    pg.atTarget.execute(LoggedTopic.POSITION);
    pg.onBoth("insert into t select i, 'same', 0 from generate_series(1, %d) i".formatted(KEYS));
    // Every 100th key differs, every 100th is not there, and the target has keys of its own.
    pg.atTarget.execute("update t set a = 'strayed' where id % 100 = 0");
    pg.atTarget.execute("delete from t where id % 100 = 50");
    pg.atTarget.execute("insert into t select -i, 'own', 0 from generate_series(1, 100) i");
  }

  @AfterEach
  void close() {
    pg.close();
  }

  @Test
  void besideALoopNothingIsLostOrUndone() throws Exception {
    pg.atTarget.execute("insert into position values (" + topic.capture() + ")");
    AtomicBoolean stop = new AtomicBoolean();
    ExecutorService loop = Executors.newSingleThreadExecutor();
    Future<?> applied = loop.submit(() -> topic.loop(stop));

    try (Writers writers = new Writers(() -> topic.awaitRoom(3))) {
      for (int i = 0; i < 3; i++) {
        merge(SOURCE_WINS, new LoggedMerge.Beside(pg, topic));
      }
      writers.stop();
    }
    merge(SOURCE_WINS, new LoggedMerge.Beside(pg, topic));

    stop.set(true);
    Await.result(applied);
    loop.shutdown();
    assertInStep();
    // No change of the stream is taken for somebody else's.
    assertThat(log.all())
        .isNotEmpty()
        .allSatisfy(one -> assertThat(one.target().value(1)).isEqualTo("strayed"));
  }

  @Test
  void asTheFirstStepOfAStreamNothingIsLostOrUndone() throws Exception {
    Completed done;
    try (Writers writers = new Writers()) {
      done = merge(SOURCE_WINS, new LoggedMerge.Start(topic, () -> writers.awaitMore(20)));
      writers.stop();
    }

    topic.loop(new AtomicBoolean(true));
    // What the source had deleted before the snapshot is a row that only the target has, also if
    // the source had one of that key for a while between the snapshot and the merge's end.
    for (String key : keysThatOnlyTheTargetHas()) {
      boolean gone =
          pg
              .atSource
              .rows("select transaction, gone from log where key = ?::int8 order by place", key)
              .stream()
              .filter(row -> done.snapshot().sees(Long.parseLong(row.get(0)) & 0xFFFFFFFFL))
              .reduce((earlier, later) -> later)
              .map(last -> "t".equals(last.get(1)))
              .orElse(false);
      assertThat(gone).as("the snapshot saw no row of key " + key).isTrue();
      pg.atTarget.execute("delete from t where id = " + key);
    }
    assertInStep();
    // What the source alone changed after the snapshot is no conflict.
    assertThat(log.all())
        .isNotEmpty()
        .allSatisfy(
            one ->
                assertThat(
                        one.target().value(1).equals("strayed")
                            || changedBefore(done, one.key().value(0)))
                    .isTrue());
    assertThat(done.rowsUpdated()).isGreaterThan(done.conflictsDetected());
  }

  @Test
  void anEmptyTargetIsLoadedAndCaughtUp() throws Exception {
    pg.atTarget.execute("truncate t");
    try (Writers writers = new Writers()) {
      merge(MANUAL, new LoggedMerge.Start(topic, () -> writers.awaitMore(20)));
      writers.stop();
    }

    topic.loop(new AtomicBoolean(true));
    assertThat(pg.targetRows("select * from t order by id"))
        .isEqualTo(pg.sourceRows("select * from t order by id"));
    assertThat(log.all()).isEmpty();
  }

  private boolean changedBefore(Completed merge, String key) {
    return pg.atSource.rows("select transaction from log where key = ?::int8", key).stream()
        .anyMatch(row -> merge.snapshot().sees(Long.parseLong(row.get(0)) & 0xFFFFFFFFL));
  }

  private List<String> keysThatOnlyTheTargetHas() {
    List<String> keys =
        new ArrayList<>(
            pg.atTarget.rows("select id from t where id > 0").stream()
                .map(row -> row.get(0))
                .toList());
    keys.removeAll(
        Set.copyOf(pg.atSource.rows("select id from t").stream().map(row -> row.get(0)).toList()));
    return keys;
  }

  private void assertInStep() {
    assertThat(pg.targetRows("select * from t where id > 0 order by id"))
        .isEqualTo(pg.sourceRows("select * from t order by id"));
    assertThat(pg.atTarget.number("select count(*) from t where id < 0 and a = 'own'"))
        .isEqualTo(100);
    assertThat(pg.stages()).isZero();
  }

  @Test
  void rowsThatOnlyTheSourceChangedAreNoConflict() {
    Completed done =
        changedMeanwhile(
            TARGET_WINS,
            "update t set a = 'newer' where id = 1",
            "delete from t where id = 2",
            "insert into t values (9001, 'new'), (9002, 'brief')",
            "delete from t where id = 9002",
            "update t set a = 'newer' where id = 50",
            "delete from t where id = 150");

    assertThat(log.verdicts())
        .hasSize(KEYS / 100)
        .allSatisfy((key, one) -> assertThat(one).isEqualTo(KEEP));
    assertThat(rows("id in (1, 2, 50, 150) or id > 9000"))
        .containsExactly(List.of("1", "newer"), List.of("50", "newer"), List.of("9001", "new"));
    assertThat(done.rowsUpdated()).isEqualTo(1);
    assertThat(done.rowsDeleted()).isEqualTo(1);
    assertThat(done.rowsSkipped()).isEqualTo(KEYS / 100);
  }

  @Test
  void aConflictShowsTheSourcesLatestRow() {
    changedMeanwhile(
        MANUAL,
        "update t set a = 'newer' where id = 100",
        "delete from t where id = 200",
        "update t set a = 'strayed' where id = 300",
        "insert into t values (-7, 'theirs')");

    assertThat(log.of("100").source().value(1)).isEqualTo("newer");
    assertThat(log.of("200").source()).isNull();
    assertThat(log.verdicts()).doesNotContainKey("300").containsEntry("-7", REVIEW);
    assertThat(rows("id in (100, 200, 300, -7)"))
        .containsExactly(
            List.of("-7", "own"),
            List.of("100", "strayed"),
            List.of("200", "strayed"),
            List.of("300", "strayed"));
  }

  @Test
  void sourceWinsTakesDeletionsOfDifferingRowsToo() {
    Completed done = changedMeanwhile(SOURCE_WINS, "delete from t where id = 200");

    Detected conflict = log.of("200");
    assertThat(conflict.verdict()).isEqualTo(APPLY);
    assertThat(conflict.target().value(1)).isEqualTo("strayed");
    assertThat(rows("id = 200")).isEmpty();
    assertThat(done.rowsDeleted()).isEqualTo(1);
    assertThat(done.conflictsResolved()).isEqualTo(KEYS / 100);
  }

  /** A merge at whose snapshot the table was as it is, and which these statements then change. */
  private Completed changedMeanwhile(ConflictResolution strategy, String... statements) {
    return merge(
        strategy,
        new LoggedMerge.Start(
            topic, () -> List.of(statements).forEach(sql -> pg.atSource.execute(sql))));
  }

  private List<List<String>> rows(String where) {
    return pg.atTarget.rows("select id, a from t where " + where + " order by id");
  }

  private Completed merge(ConflictResolution strategy, MergeJoin join) {
    return Merges.completed(pg, pg.mapping("t"), strategy, join, log);
  }

  /** Two sessions that write the source until stopped. */
  private final class Writers implements AutoCloseable {
    private final ExecutorService threads = Executors.newFixedThreadPool(2);
    private final List<Future<?>> running = new ArrayList<>();
    private final AtomicBoolean stop = new AtomicBoolean();
    private volatile CountDownLatch more = new CountDownLatch(20);

    private final Runnable pace;

    Writers() {
      this(() -> {});
    }

    /**
     * @param pace called before each transaction
     */
    Writers(Runnable pace) {
      this.pace = pace;
      long seed = System.nanoTime();
      System.out.println("seed " + seed);
      for (int i = 0; i < 2; i++) {
        Random random = new Random(seed + i);
        running.add(threads.submit(() -> write(random)));
      }
      awaitMore(0);
    }

    void awaitMore(int transactions) {
      if (transactions > 0) {
        more = new CountDownLatch(transactions);
      }
      Await.until(() -> more.getCount(), left -> left == 0);
    }

    private void write(Random random) {
      try (PgSession session = PgSession.open(pg.source, Kind.SOURCE, "test", "t")) {
        while (!stop.get()) {
          pace.run();
          // Two writers that take rows in different orders would wait for each other.
          int key = 1 + random.nextInt(KEYS - 3);
          session.begin(Begin.READ_COMMITTED);
          session.execute("update t set version = version + 1 where id = " + key);
          session.execute("delete from t where id = " + (key + 1));
          session.execute(
              "insert into t values (%d, 'again', 7) on conflict (id) do update set a = 'twice'"
                  .formatted(key + 2));
          if (random.nextInt(10) == 0) {
            session.rollback();
          } else {
            session.commit();
          }
          more.countDown();
        }
      }
    }

    void stop() throws Exception {
      stop.set(true);
      for (Future<?> one : running) {
        Await.result(one);
      }
    }

    @Override
    public void close() {
      stop.set(true);
      threads.shutdown();
    }
  }

  @Test
  void countsAreExactWhenNothingChangesMeanwhile() {
    Completed done = changedMeanwhile(TARGET_WINS);

    assertThat(done.rowsRead()).isEqualTo(KEYS);
    assertThat(done.rowsInserted()).isEqualTo(KEYS / 100);
    assertThat(done.rowsUnchanged()).isEqualTo(KEYS - 2 * KEYS / 100);
    assertThat(done.rowsSkipped()).isEqualTo(KEYS / 100);
  }
}
