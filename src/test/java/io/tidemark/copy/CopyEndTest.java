package io.tidemark.copy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.tidemark.Await;
import io.tidemark.change.OperatingFailure;
import io.tidemark.change.OperatingFailure.Kind;
import io.tidemark.copy.CopyOutcome.Cancelled;
import io.tidemark.postgres.PgSession;
import io.tidemark.sync.TableMapping;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
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

/** However a copy ends, what it did not complete leaves nothing behind. */
@Tag("database")
class CopyEndTest {
  private static final CopySettings PATIENT = settings(Duration.ofMinutes(10));
  private static final CopySettings IMPATIENT = settings(Duration.ofMillis(300));

  /** Holds a reader at one row for as long as somebody else has the lock. */
  private static final String GATE = "id <> 700 or pg_advisory_xact_lock_shared(42) is not null";

  private static CopySettings settings(Duration lockTimeout) {
    return new CopySettings(2, 64 << 10, 8 << 10, lockTimeout);
  }

  private PgFixture pg;
  private ExecutorService copying;

  @BeforeEach
  void open() {
    pg = new PgFixture();
    copying = Executors.newSingleThreadExecutor();
    pg.atSource.execute(LoggedStream.TABLES);
    pg.atTarget.execute("create table t (id int8 primary key, a text, version int)");
    pg.atSource.execute("insert into t select i, 'new' from generate_series(1, 2000) i");
    pg.atTarget.execute("insert into t select i, 'old', 1 from generate_series(1, 10) i");
  }

  @AfterEach
  void close() {
    copying.shutdownNow();
    pg.close();
  }

  @ParameterizedTest
  @EnumSource(value = CopyPhase.class, mode = EnumSource.Mode.EXCLUDE, names = "DIGEST")
  void cancelInAPhaseOfTheStagedLoadLeavesNothing(CopyPhase phase) {
    CopyOutcome outcome = cancelledIn(phase, CopyRequest.difference(UUID.randomUUID(), mapping()));

    assertThat(outcome).isInstanceOf(Cancelled.class);
    assertUntouched();
  }

  @ParameterizedTest
  @EnumSource(
      value = CopyPhase.class,
      names = {"SNAPSHOT", "COPY", "CATCH_UP", "COMMIT"})
  void cancelInAPhaseOfTheDirectLoadLeavesNothing(CopyPhase phase) {
    CopyOutcome outcome = cancelledIn(phase, CopyRequest.truncate(UUID.randomUUID(), mapping()));

    assertThat(outcome).isInstanceOf(Cancelled.class);
    assertUntouched();
  }

  @Test
  void cancelBreaksOffACopyThatKeepsAPace() throws Exception {
    Cancellation cancellation = new Cancellation();
    CopyProgress progress = new CopyProgress(System::nanoTime);
    TableCopy slow = new TableCopy(pg.source, pg.target, PATIENT.at(new Pace(1)));

    Future<CopyOutcome> outcome =
        copying.submit(
            () ->
                slow.run(
                    CopyRequest.difference(UUID.randomUUID(), mapping()),
                    CopyHooks.NONE,
                    progress,
                    cancellation));
    Await.until(() -> progress.rows() > 0);
    long rowsBefore = progress.rows();
    cancellation.cancel();

    // What the connection already holds may still be read after the pace has let go.
    assertThat(Await.result(outcome)).isInstanceOf(Cancelled.class);
    assertThat(rowsBefore).isLessThan(2000);
    assertUntouched();
  }

  @Test
  void cancelBreaksOffARunningCopy() throws Exception {
    pg.atSource.execute("select pg_advisory_lock(42)");
    Cancellation cancellation = new Cancellation();
    Future<CopyOutcome> outcome = start(gated(), cancellation);
    pg.awaitWaitingCopy(pg.source);

    boolean heard = cancellation.cancel();

    assertThat(heard).isTrue();
    assertThat(Await.result(outcome)).isInstanceOf(Cancelled.class);
    assertUntouched();
  }

  @Test
  void cancelBreaksOffTheWaitForTheTargetsLock() throws Exception {
    pg.atTarget.execute("begin; lock table t in row exclusive mode");
    Cancellation cancellation = new Cancellation();
    Future<CopyOutcome> outcome =
        start(CopyRequest.difference(UUID.randomUUID(), mapping()), cancellation);
    pg.awaitWaitingCopy(pg.target);

    cancellation.cancel();

    assertThat(Await.result(outcome)).isInstanceOf(Cancelled.class);
    pg.atTarget.execute("commit");
    assertUntouched();
  }

  @Test
  void anInterruptedThreadEndsItsCopy() throws Exception {
    pg.atSource.execute("select pg_advisory_lock(42)");
    Future<CopyOutcome> outcome = start(gated(), new Cancellation());
    pg.awaitWaitingCopy(pg.source);

    copying.shutdownNow();

    assertThat(Await.result(outcome)).isInstanceOf(Cancelled.class);
    assertUntouched();
  }

  @Test
  void cancelAfterTheEndIsTooLate() {
    Cancellation cancellation = new Cancellation();
    run(CopyRequest.difference(UUID.randomUUID(), mapping()), CopyHooks.NONE, cancellation);

    assertThat(cancellation.cancel()).isFalse();
  }

  @Test
  void givesUpWhenAnotherKeepsTheTargetLocked() {
    pg.atTarget.execute("begin; lock table t in row exclusive mode");

    OperatingFailure failure =
        failureOf(IMPATIENT, CopyRequest.difference(UUID.randomUUID(), mapping()));

    pg.atTarget.execute("commit");
    assertThat(failure.kind()).isEqualTo(Kind.CAPACITY);
    assertThat(failure.code()).isEqualTo("lock_timeout");
    assertUntouched();
  }

  @ParameterizedTest
  @ValueSource(strings = {"source", "target"})
  void killedBackendsFailTheCopyOfTheirSide(String side) throws Exception {
    pg.atSource.execute("select pg_advisory_lock(42)");
    Future<CopyOutcome> outcome = start(gated(), new Cancellation());
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
    assertUntouched();
  }

  @Test
  void namesTheColumnAndNotTheValue() {
    pg.atTarget.execute("alter table t alter a type varchar(3)");
    pg.atSource.execute("update t set a = 'secret' where id = 1234");

    OperatingFailure failure = failureOf(CopyRequest.difference(UUID.randomUUID(), mapping()));

    assertThat(failure.kind()).isEqualTo(Kind.USER);
    assertThat(failure.code()).isEqualTo("value_too_long");
    assertThat(failure).hasMessageContaining("public.t").hasMessageContaining("column a");
    assertThat(failure).hasStackTraceContaining("PgCopyIn");
    assertThat(stackTrace(failure)).doesNotContain("secret");
    assertUntouched();
  }

  @Test
  void keepsValuesOfAViolationToItself() {
    pg.atTarget.execute("create unique index one_version on t (version) where id > 10");
    pg.atSource.execute("update t set version = 987654");

    OperatingFailure failure = failureOf(CopyRequest.difference(UUID.randomUUID(), mapping()));

    assertThat(failure.kind()).isEqualTo(Kind.USER);
    assertThat(failure.code()).isEqualTo("unique_violation");
    assertThat(failure).hasMessageContaining("one_version");
    assertThat(stackTrace(failure)).doesNotContain("987654");
    assertUntouched();
  }

  @Test
  void refusesARepeatedKey() {
    pg.atSource.execute("create table u (id int8, a text, version int)");
    pg.atSource.execute("insert into u values (1, 'a', 1), (1, 'b', 1)");
    var like = mapping();
    var mapping =
        new TableMapping(pg.shape(pg.source, "u"), like.target(), like.columns(), like.key(), null);

    OperatingFailure failure = failureOf(CopyRequest.difference(UUID.randomUUID(), mapping));

    assertThat(failure.code()).isEqualTo("unique_violation");
    assertUntouched();
  }

  @Test
  void sweepDropsTheStagesOfTheDeadOnly() {
    UUID dead = UUID.randomUUID();
    UUID live = UUID.randomUUID();
    UUID locked = UUID.randomUUID();
    StageTable lockedStage = new StageTable(locked, mapping());
    lockedStage.create(pg.atTarget);
    for (UUID execution : List.of(dead, live)) {
      try (PgSession gone = PgSession.open(pg.target, Kind.TARGET, "test", "stage")) {
        new StageTable(execution, mapping()).create(gone);
      }
    }
    pg.atTarget.execute("create table tidemark.stage_of_somebody (id int)");

    int dropped = TableCopy.sweepStages(pg.target, Set.of(live));

    assertThat(dropped).isEqualTo(1);
    assertThat(pg.stages()).isEqualTo(3);
    assertThat(pg.atTarget.isTrue("select to_regclass(?) is null", name(dead))).isTrue();
  }

  private static String name(UUID execution) {
    return "tidemark.stage_" + execution.toString().replace("-", "");
  }

  private CopyOutcome cancelledIn(CopyPhase phase, CopyRequest request) {
    Cancellation cancellation = new Cancellation();
    CopyProgress progress =
        new CopyProgress(
            System::nanoTime,
            entered -> {
              if (entered == phase) {
                cancellation.cancel();
              }
            });
    CopyHooks hooks =
        new CopyHooks(new LoggedStream(pg, () -> {}, () -> {}), TargetPreparation.NONE);
    return new TableCopy(pg.source, pg.target, PATIENT).run(request, hooks, progress, cancellation);
  }

  private CopyRequest gated() {
    return CopyRequest.difference(UUID.randomUUID(), pg.mapping("t", "t", Map.of(), GATE));
  }

  private TableMapping mapping() {
    return pg.mapping("t");
  }

  private Future<CopyOutcome> start(CopyRequest request, Cancellation cancellation) {
    return copying.submit(() -> run(request, CopyHooks.NONE, cancellation));
  }

  private CopyOutcome run(CopyRequest request, CopyHooks hooks, Cancellation cancellation) {
    return run(PATIENT, request, hooks, cancellation);
  }

  private CopyOutcome run(
      CopySettings settings, CopyRequest request, CopyHooks hooks, Cancellation cancellation) {
    return new TableCopy(pg.source, pg.target, settings)
        .run(request, hooks, new CopyProgress(System::nanoTime), cancellation);
  }

  private OperatingFailure failureOf(CopyRequest request) {
    return failureOf(PATIENT, request);
  }

  private OperatingFailure failureOf(CopySettings settings, CopyRequest request) {
    return catchThrowableOfType(
        OperatingFailure.class, () -> run(settings, request, CopyHooks.NONE, new Cancellation()));
  }

  private static String stackTrace(Throwable failure) {
    StringWriter text = new StringWriter();
    failure.printStackTrace(new PrintWriter(text));
    return text.toString();
  }

  private void assertUntouched() {
    assertThat(pg.atTarget.row("select count(*), min(a), max(a) from t"))
        .containsExactly("10", "old", "old");
    assertThat(pg.stages()).isZero();
    Await.until(() -> pg.copySessions() == 0);
  }
}
