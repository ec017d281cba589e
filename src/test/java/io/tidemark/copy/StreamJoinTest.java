package io.tidemark.copy;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.Await;
import io.tidemark.change.OperatingFailure.Kind;
import io.tidemark.copy.CopyOutcome.Completed;
import io.tidemark.postgres.PgSession;
import io.tidemark.postgres.PgSession.Begin;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Snapshot and stream together are the table, while others write the source. */
@Tag("database")
class StreamJoinTest {
  private static final CopySettings SMALL =
      new CopySettings(3, 64 << 10, 8 << 10, Duration.ofMinutes(10));
  private static final int KEYS = 3000;

  private PgFixture pg;

  @BeforeEach
  void open() {
    pg = new PgFixture();
    pg.atSource.execute(LoggedStream.TABLES);
    pg.atTarget.execute("create table t (id int8 primary key, a text, version int not null)");
    pg.atSource.execute(
        "insert into t select i, repeat('a', i %% 80) from generate_series(1, %d) i"
            .formatted(KEYS));
  }

  @AfterEach
  void close() {
    pg.close();
  }

  @Test
  void joinsTransactionsThatSpanTheSnapshotWhenStaged() throws Exception {
    pg.atTarget.execute("insert into t select i, 'old', -1 from generate_series(2000, 4000) i");

    Completed done = copyBesideWriters();

    assertThat(done.rowsUpdated()).isPositive();
    assertThat(done.rowsDeleted()).isPositive();
  }

  @Test
  void joinsTransactionsThatSpanTheSnapshotWhenDirect() throws Exception {
    Completed done = copyBesideWriters();

    assertThat(done.rowsInserted()).isEqualTo(done.rowsRead());
  }

  @Test
  void readersSeeOldRowsThenNewOnes() throws Exception {
    pg.atTarget.execute("insert into t select i, 'old', -1 from generate_series(1, 500) i");
    String all = "select count(*), min(version), max(version) from t";
    Set<List<String>> seen = new HashSet<>();
    AtomicBoolean stop = new AtomicBoolean();
    CountDownLatch reading = new CountDownLatch(1);
    ExecutorService reader = Executors.newSingleThreadExecutor();
    Future<?> done =
        reader.submit(
            () -> {
              try (PgSession session = PgSession.open(pg.target, Kind.TARGET, "test", "t")) {
                while (!stop.get()) {
                  seen.add(session.row(all));
                  reading.countDown();
                }
                seen.add(session.row(all));
              }
            });
    Await.until(() -> reading.getCount() == 0);

    copy(CopyHooks.NONE);

    stop.set(true);
    Await.result(done);
    reader.shutdown();
    assertThat(seen)
        .containsExactlyInAnyOrder(
            List.of("500", "-1", "-1"), List.of(String.valueOf(KEYS), "0", "0"));
  }

  @Test
  void triesAgainWhenAnotherWriterWins() {
    pg.atTarget.execute("insert into t values (1, 'old', -1), (9999, 'gone', -1)");
    LoggedStream stream = new LoggedStream(pg, () -> {}, () -> {});
    stream.loseFirstFence();

    Completed done = copy(new CopyHooks(stream, TargetPreparation.NONE));

    assertThat(stream.fences()).isEqualTo(2);
    assertThat(done.rowsUpdated()).isEqualTo(1);
    assertThat(done.rowsDeleted()).isEqualTo(1);
    assertThat(done.rowsInserted()).isEqualTo(KEYS - 1);
    assertThat(pg.targetRows("select * from t order by id"))
        .isEqualTo(pg.sourceRows("select * from t order by id"));
  }

  @Test
  void preparesTheSessionThatWritesTheTargetAndNoOther() {
    pg.atTarget.execute("insert into t values (1, 'old', -1)");
    pg.atTarget.execute(
        """
        create function tell() returns trigger language plpgsql as $$
        begin
          if current_setting('tidemark.prepared', true) is distinct from 'yes' then
            raise exception 'not prepared';
          end if;
          return new;
        end $$;
        create trigger tell before insert or update on t for each row execute function tell()
        """);
    List<PgSession> prepared = new ArrayList<>();
    TargetPreparation preparation =
        session -> {
          prepared.add(session);
          session.execute("set tidemark.prepared = 'yes'");
        };

    Completed done = copy(new CopyHooks(StreamJoin.none(), preparation));

    assertThat(done.rowsInserted()).isEqualTo(KEYS - 1);
    assertThat(prepared).hasSize(1);
  }

  /** The stream commits one transaction that the snapshot saw running, among random others. */
  private Completed copyBesideWriters() throws Exception {
    long seed = System.nanoTime();
    System.out.println("seed " + seed);
    PgSession spanning = PgSession.open(pg.source, Kind.SOURCE, "test", "t");
    AtomicBoolean stop = new AtomicBoolean();
    CountDownLatch writing = new CountDownLatch(2);
    ExecutorService writers = Executors.newFixedThreadPool(2);
    List<Future<?>> running = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      Random random = new Random(seed + i);
      running.add(writers.submit(() -> write(random, stop, writing)));
    }
    Await.until(() -> writing.getCount() == 0);
    LoggedStream stream =
        new LoggedStream(
            pg,
            () -> {
              spanning.begin(Begin.READ_COMMITTED);
              spanning.execute("insert into t values (100001, 'spans the snapshot', 1)");
            },
            () -> {
              spanning.commit();
              spanning.close();
              pg.atSource.execute("insert into t values (100002, 'after it', 1)");
              stop.set(true);
            });

    Completed done = copy(new CopyHooks(stream, TargetPreparation.NONE));

    for (Future<?> one : running) {
      Await.result(one);
    }
    writers.shutdown();
    assertThat(pg.targetRows("select id, a, version from t order by id"))
        .isEqualTo(stream.tableAtPosition());
    assertThat(pg.atTarget.number("select count(*) from t where id > 100000")).isEqualTo(2);
    assertThat(pg.atTarget.number("select at from position")).isEqualTo(done.snapshot().lsn());
    assertThat(stream.fences()).isEqualTo(1);
    assertThat(done.rowsCaughtUp()).isGreaterThanOrEqualTo(2);
    assertThat(pg.stages()).isZero();
    return done;
  }

  private void write(Random random, AtomicBoolean stop, CountDownLatch writing) {
    try (PgSession session = PgSession.open(pg.source, Kind.SOURCE, "test", "t")) {
      while (!stop.get()) {
        session.begin(Begin.READ_COMMITTED);
        int key = 1 + random.nextInt(KEYS);
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
        writing.countDown();
      }
    }
  }

  private Completed copy(CopyHooks hooks) {
    return (Completed)
        new TableCopy(pg.source, pg.target, SMALL)
            .run(
                CopyRequest.difference(UUID.randomUUID(), pg.mapping("t")),
                hooks,
                new CopyProgress(System::nanoTime),
                new Cancellation());
  }
}
