package io.tidemark.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.TestStore;
import io.tidemark.conflict.ConflictDetection;
import io.tidemark.conflict.ConflictResolution;
import io.tidemark.sync.ColumnSelection;
import io.tidemark.sync.DeleteHandling;
import io.tidemark.sync.InitialSync;
import io.tidemark.sync.JdbcChangeTracking;
import io.tidemark.sync.JdbcSyncConfigurations;
import io.tidemark.sync.SchemaEvolution;
import io.tidemark.sync.SyncConfiguration;
import io.tidemark.sync.SyncDefinition;
import io.tidemark.sync.SyncState;
import io.tidemark.sync.SyncStrategy;
import io.tidemark.sync.TrackedPartition;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.jdbi.v3.core.Jdbi;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("database")
class JdbcExecutionsTest {
  private static final Clock CLOCK = Clock.systemUTC();
  private static final Jdbi JDBI = new TestStore().jdbi;

  private final JdbcSyncConfigurations configurations =
      new JdbcSyncConfigurations(JDBI, CLOCK, UUID::randomUUID);
  private final JdbcExecutions executions = new JdbcExecutions(JDBI, CLOCK, Duration.ofDays(90));
  private SyncConfiguration configuration;

  @BeforeEach
  void configuration() {
    JDBI.useHandle(handle -> handle.execute("delete from sync_configurations"));
    configuration = configurations.create(definition("one")).orElseThrow();
  }

  private static SyncDefinition definition(String name) {
    return new SyncDefinition(
        name,
        "a",
        "b",
        "source",
        "target",
        SyncStrategy.INCREMENTAL,
        ConflictResolution.SOURCE_WINS,
        ConflictDetection.AUTO,
        "updated_at",
        List.of(),
        new ColumnSelection.All(),
        null,
        1000,
        null,
        false,
        DeleteHandling.APPLY,
        InitialSync.AUTO,
        false,
        false,
        SchemaEvolution.NONE,
        true);
  }

  private Execution pending(ExecutionTrigger trigger) {
    return Execution.pending(
        UUID.randomUUID(), configuration.id(), ExecutionMode.FULL, trigger, CLOCK.instant());
  }

  @Test
  void storesOneOfManyThatRace() throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(8);
    try {
      List<Callable<Optional<Execution>>> racers =
          IntStream.range(0, 16)
              .<Callable<Optional<Execution>>>mapToObj(
                  i -> () -> executions.createUnlessActive(pending(ExecutionTrigger.MANUAL)))
              .toList();

      int stored = 0;
      for (Future<Optional<Execution>> racer : threads.invokeAll(racers)) {
        stored += racer.get().isEmpty() ? 1 : 0;
      }

      assertThat(stored).isEqualTo(1);
    } finally {
      threads.shutdownNow();
    }
  }

  /** However fast an execution ends, and whichever instance looks. */
  @Test
  void asksOnceForWhatIsDue() throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(8);
    try {
      List<Callable<Boolean>> instances =
          IntStream.range(0, 16)
              .<Callable<Boolean>>mapToObj(
                  i ->
                      () -> {
                        Execution due = pending(ExecutionTrigger.SCHEDULE);
                        boolean first = executions.createIfDue(due, Duration.ofSeconds(30));
                        return first && executions.complete(due.id());
                      })
              .toList();

      int asked = 0;
      for (Future<Boolean> instance : threads.invokeAll(instances)) {
        asked += instance.get() ? 1 : 0;
      }

      assertThat(asked).isOne();
    } finally {
      threads.shutdownNow();
    }
    assertThat(executions.createIfDue(at(Instant.now().plusSeconds(31)), Duration.ofSeconds(30)))
        .isTrue();
  }

  @Test
  void aComparisonDoesNotPutOffWhatIsDue() {
    Instant now = Instant.now();
    Execution sync = at(now.minusSeconds(60));
    executions.createUnlessActive(sync);
    executions.complete(sync.id());
    Execution comparison =
        Execution.pending(
            UUID.randomUUID(),
            configuration.id(),
            ExecutionMode.VERIFY,
            ExecutionTrigger.MANUAL,
            now.minusSeconds(5));
    executions.createUnlessActive(comparison);
    executions.complete(comparison.id());

    assertThat(executions.lastSyncOf(configuration.id()).orElseThrow().id()).isEqualTo(sync.id());
    assertThat(executions.lastOf(List.of(configuration.id())).get(configuration.id()).id())
        .isEqualTo(comparison.id());
    assertThat(executions.createIfDue(at(now), Duration.ofSeconds(30))).isTrue();
  }

  @Test
  void deletesWhatEndedLongAgoButTheNewest() {
    JdbcExecutions later =
        new JdbcExecutions(JDBI, Clock.offset(CLOCK, Duration.ofDays(91)), Duration.ofDays(90));
    List<Execution> three =
        List.of(
            at(Instant.now().minusSeconds(3)),
            at(Instant.now().minusSeconds(2)),
            at(Instant.now()));
    for (Execution one : three) {
      executions.createUnlessActive(one);
      executions.complete(one.id());
    }

    assertThat(executions.deleteExpired(10)).isZero();
    assertThat(later.deleteExpired(1)).isOne();
    assertThat(later.deleteExpired(10)).isOne();
    assertThat(later.deleteExpired(10)).isZero();

    assertThat(executions.find(three.get(2).id())).isPresent();
    assertThat(executions.find(three.get(0).id())).isEmpty();
  }

  private Execution at(Instant created) {
    return Execution.pending(
        UUID.randomUUID(),
        configuration.id(),
        ExecutionMode.FULL,
        ExecutionTrigger.SCHEDULE,
        created);
  }

  @Test
  void letsAStreamRunBesideOthers() {
    assertThat(executions.createUnlessActive(pending(ExecutionTrigger.STREAM))).isEmpty();
    assertThat(executions.createUnlessActive(pending(ExecutionTrigger.MANUAL))).isEmpty();
  }

  @Test
  void keepsProgressUntilItEnds() {
    Execution execution = pending(ExecutionTrigger.MANUAL);
    executions.createUnlessActive(execution);

    assertThat(executions.start(execution.id())).isTrue();
    assertThat(
            executions.report(
                execution.id(),
                new ExecutionCounts(1, 2, 3, 4, 5, 6, 7, 8, 9, 10),
                new ExecutionProgress("copying", 12.5, 99.0, 4L)))
        .isTrue();
    executions.recordPositions(execution.id(), 0x16_B374D848L, null);
    assertThat(executions.fail(execution.id(), new ExecutionError("c", "m", null))).isTrue();
    assertThat(executions.complete(execution.id())).isFalse();

    Execution ended = executions.find(execution.id()).orElseThrow();
    assertThat(ended.counts().bytes()).isEqualTo(10);
    assertThat(ended.status()).isEqualTo(ExecutionStatus.FAILED);
    assertThat(ended.sourceLsnStartText()).isEqualTo("16/B374D848");
    assertThat(ended.failure()).contains(new ExecutionError("c", "m", null));
  }

  @Test
  void tellsTheRunnerThatItIsCancelled() {
    Execution execution = pending(ExecutionTrigger.MANUAL);
    executions.createUnlessActive(execution);
    executions.start(execution.id());

    assertThat(executions.requestCancel(execution.id())).isTrue();

    assertThat(
            executions.report(
                execution.id(), ExecutionCounts.NONE, new ExecutionProgress("copying")))
        .isFalse();
    assertThat(executions.cancelled(execution.id())).isTrue();
    assertThat(executions.requestCancel(execution.id())).isFalse();
  }

  @Test
  void findsWhatWasInterrupted() {
    Execution execution = pending(ExecutionTrigger.MANUAL);
    executions.createUnlessActive(execution);
    executions.start(execution.id());

    assertThat(executions.silentSince(Instant.now().minusSeconds(60))).isEmpty();
    assertThat(executions.silentSince(Instant.now().plusSeconds(60)))
        .extracting(Execution::id)
        .containsExactly(execution.id());
  }

  @Test
  void goesWithItsConfiguration() {
    Execution execution = pending(ExecutionTrigger.MANUAL);
    executions.createUnlessActive(execution);

    configurations.delete(configuration.id());

    assertThat(executions.find(execution.id())).isEmpty();
  }

  @Test
  void refusesANameThatIsTakenAndAVersionThatIsNoMore() {
    assertThat(configurations.create(definition("one"))).isEmpty();
    assertThat(configurations.replace(configuration, definition("two"))).isPresent();
    assertThat(configurations.replace(configuration, definition("three"))).isEmpty();
  }

  @Test
  void keepsTheVersionWhenTheStateChanges() {
    configurations.updateState(configuration.id(), SyncState.FAILED, "why");

    SyncConfiguration now = configurations.find(configuration.id()).orElseThrow();
    assertThat(now.version()).isEqualTo(1);
    assertThat(now.state()).isEqualTo(SyncState.FAILED);
    assertThat(now.reason()).contains("why");
  }

  @Test
  void recordsNoConditionOfWhatWasPausedOrReplacedMeanwhile() {
    configurations.pause(configuration);
    configurations.recordCondition(configuration, SyncState.FAILED, "of before");
    assertThat(configurations.find(configuration.id()).orElseThrow().state())
        .isEqualTo(SyncState.PAUSED);

    SyncConfiguration resumed = configurations.resume(configuration).orElseThrow();
    SyncConfiguration replaced = configurations.replace(resumed, definition("two")).orElseThrow();
    configurations.recordCondition(resumed, SyncState.FAILED, "of before");
    assertThat(configurations.find(configuration.id()).orElseThrow().state())
        .isEqualTo(replaced.state());

    configurations.recordCondition(replaced, SyncState.FAILED, "why");
    assertThat(configurations.find(configuration.id()).orElseThrow().reason()).contains("why");
  }

  @Test
  void followsThePlaceOfEachPartition() {
    Instant now = Instant.parse("2026-01-02T03:04:05.678901Z");
    JdbcChangeTracking tracking = new JdbcChangeTracking(JDBI, () -> now.plusSeconds(4));
    TrackedPartition first =
        new TrackedPartition(configuration.id(), "t", 0, null, null, 10, 3, 7, 1.5, now);
    TrackedPartition second =
        new TrackedPartition(configuration.id(), "t", 0, null, 5L, 10, 10, 0, 0, now);

    tracking.record(first);
    assertThat(tracking.of(configuration.id())).containsExactly(first);
    tracking.record(second);
    assertThat(tracking.of(configuration.id())).containsExactly(second);
    assertThat(new JdbcChangeTracking(JDBI, () -> now.plusSeconds(60)).of(configuration.id()))
        .as("a stream that tells nothing")
        .extracting(TrackedPartition::lagSeconds)
        .containsExactly(60.0);
  }
}
