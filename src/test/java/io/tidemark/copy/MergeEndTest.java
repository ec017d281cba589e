package io.tidemark.copy;

import static io.tidemark.conflict.ConflictResolution.SOURCE_WINS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.tidemark.Await;
import io.tidemark.change.OperatingFailure;
import io.tidemark.change.OperatingFailure.Kind;
import io.tidemark.copy.MergeOutcome.Cancelled;
import io.tidemark.postgres.PgSession;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** However a merge ends, what it did not complete leaves nothing behind. */
@Tag("database")
class MergeEndTest {
  private PgFixture pg;
  private LoggedTopic topic;
  private RecordedConflicts log;
  private ExecutorService merging;

  @BeforeEach
  void open() {
    pg = new PgFixture();
    topic = new LoggedTopic(pg);
    log = new RecordedConflicts();
    merging = Executors.newSingleThreadExecutor();
    pg.atSource.execute(LoggedStream.TABLES);
    pg.atTarget.execute("create table t (id int8 primary key, a text, version int)");
    pg.atTarget.execute(LoggedTopic.POSITION);
    pg.atSource.execute("insert into t select i, 'new' from generate_series(1, 2000) i");
    pg.atTarget.execute("insert into t select i, 'old', 1 from generate_series(1, 10) i");
  }

  @AfterEach
  void close() {
    merging.shutdownNow();
    pg.close();
  }

  @ParameterizedTest
  @EnumSource(CopyPhase.class)
  void cancelInAPhaseLeavesNothing(CopyPhase phase) {
    Cancellation cancellation = new Cancellation();
    CopyProgress progress =
        new CopyProgress(
            System::nanoTime,
            entered -> {
              if (entered == phase) {
                cancellation.cancel();
              }
            });

    MergeOutcome outcome = run(cancellation, progress);

    assertThat(outcome).isInstanceOf(Cancelled.class);
    assertThat(log.all()).isEmpty();
    assertUntouched();
  }

  @Test
  void goesThroughItsPhasesInOrder() {
    List<CopyPhase> phases = new ArrayList<>();

    run(new Cancellation(), new CopyProgress(System::nanoTime, phases::add));

    assertThat(phases).containsExactly(CopyPhase.values());
  }

  @Test
  void cancelIsTooLateOnceConflictsAreOnRecord() {
    Cancellation cancellation = new Cancellation();
    List<Boolean> heard = new ArrayList<>();
    log.onRecord(() -> heard.add(cancellation.cancel()));

    MergeOutcome outcome = run(cancellation, Merges.progress());

    assertThat(outcome).isInstanceOf(MergeOutcome.Completed.class);
    assertThat(heard).containsOnly(false);
  }

  @Test
  void conflictsThatCannotBeRecordedChangeNothing() {
    log.fail();

    OperatingFailure failure =
        catchThrowableOfType(
            OperatingFailure.class, () -> run(new Cancellation(), Merges.progress()));

    assertThat(failure.kind()).isEqualTo(Kind.STORE);
    assertUntouched();
  }

  @Test
  void conflictsAreOnRecordBeforeTheRowsAreThere() {
    List<String> seen = new ArrayList<>();
    log.onRecord(() -> seen.add(pg.atTarget.text("select max(a) from t")));

    run(new Cancellation(), Merges.progress());

    assertThat(seen).containsOnly("old");
    assertThat(pg.atTarget.number("select count(*) from t where a = 'new'")).isEqualTo(2000);
  }

  @Test
  void valuesThatTheTargetRefusesChangeNothing() {
    pg.atTarget.execute("create unique index one_version on t (version) where version > 1");
    pg.atSource.execute("update t set version = 5");

    OperatingFailure failure =
        catchThrowableOfType(
            OperatingFailure.class, () -> run(new Cancellation(), Merges.progress()));

    assertThat(failure.code()).isEqualTo("unique_violation");
    assertThat(log.all()).isEmpty();
    assertUntouched();
  }

  @ParameterizedTest
  @ValueSource(strings = {"source", "target"})
  void killedBackendsFailTheMergeOfTheirSide(String side) throws Exception {
    pg.atSource.execute("select pg_advisory_lock(42)");
    Future<MergeOutcome> outcome =
        merging.submit(
            () ->
                Merges.run(
                    pg,
                    Merges.request(
                        pg.mapping(
                            "t",
                            "t",
                            Map.of(),
                            "id <> 700 or pg_advisory_xact_lock_shared(42) is not null"),
                        SOURCE_WINS),
                    MergeJoin.none(),
                    log,
                    new Cancellation(),
                    Merges.progress()));
    pg.awaitWaitingCopy(pg.source);
    PgSession there = side.equals("source") ? pg.atSource : pg.atTarget;

    there.rows(
        "select pg_terminate_backend(pid) from pg_stat_activity"
            + " where application_name = 'tidemark copy' and datname = current_database()");

    pg.atSource.execute("select pg_advisory_unlock(42)");
    ExecutionException thrown =
        catchThrowableOfType(ExecutionException.class, () -> Await.result(outcome));
    OperatingFailure failure = (OperatingFailure) thrown.getCause();
    assertThat(failure.kind().name()).isEqualToIgnoringCase(side);
    assertThat(failure.code()).isEqualTo("connection_lost");
    assertThat(log.all()).isEmpty();
    assertUntouched();
  }

  @Test
  void aSecondWinnerIsFollowedByAnotherTry() {
    pg.atTarget.execute(
        """
        create sequence tries;
        create function lose() returns trigger language plpgsql as $$
        begin
          if nextval('tries') = 1 then
            raise exception using errcode = '40P01';
          end if;
          return new;
        end $$;
        create trigger lose before insert on t for each row execute function lose()
        """);

    MergeOutcome outcome = run(new Cancellation(), Merges.progress());

    assertThat(outcome)
        .isInstanceOfSatisfying(
            MergeOutcome.Completed.class, done -> assertThat(done.rowsInserted()).isEqualTo(1990));
    assertThat(log.all()).hasSize(10);
  }

  private MergeOutcome run(Cancellation cancellation, CopyProgress progress) {
    return Merges.run(
        pg,
        Merges.request(pg.mapping("t"), SOURCE_WINS),
        new LoggedMerge.Start(topic, () -> {}),
        log,
        cancellation,
        progress);
  }

  private void assertUntouched() {
    assertThat(pg.atTarget.row("select count(*), min(a), max(a) from t"))
        .containsExactly("10", "old", "old");
    assertThat(pg.atTarget.number("select count(*) from position")).isZero();
    assertThat(pg.stages()).isZero();
    Await.until(() -> pg.copySessions() == 0);
  }
}
