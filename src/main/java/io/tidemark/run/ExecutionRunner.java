package io.tidemark.run;

import io.tidemark.apply.KafkaApplyLoop;
import io.tidemark.change.OperatingFailure;
import io.tidemark.conflict.ConflictResolution;
import io.tidemark.copy.CopyOutcome;
import io.tidemark.copy.MergeOutcome;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.sync.SyncConfiguration;
import io.tidemark.sync.SyncDefinition;
import io.tidemark.sync.SyncStrategy;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * Carries executions out, some at a time, and keeps their records true: progress while they run,
 * and how each one ended.
 */
final class ExecutionRunner implements AutoCloseable {
  private static final Logger LOG = System.getLogger(ExecutionRunner.class.getName());

  private static final int PARALLEL_MAX = 64;

  private static final String BEGINS_AGAIN = "begins again";

  private static final Duration REPORT_EVERY = Duration.ofMillis(500);

  /** A cancelled copy has this long to roll back when the process stops. */
  private static final Duration STOP_MAX = Duration.ofSeconds(20);

  private final Rooms rooms;
  private final Function<UUID, Optional<KafkaApplyLoop>> loops;
  private final Runnable onEnded;
  private final ExecutorService workers;
  private final ScheduledExecutorService reporters =
      Executors.newSingleThreadScheduledExecutor(work -> new Thread(work, "execution progress"));
  private final Map<UUID, Runnable> cancels = new ConcurrentHashMap<>();
  private final Map<UUID, Attempt> attempts = new ConcurrentHashMap<>();
  private final Set<UUID> taken = ConcurrentHashMap.newKeySet();
  private volatile boolean stopping;

  /**
   * @param loops the stream of a configuration in this process
   * @param onEnded called whenever an execution has ended
   */
  ExecutionRunner(Rooms rooms, Function<UUID, Optional<KafkaApplyLoop>> loops, Runnable onEnded) {
    this.rooms = rooms;
    this.loops = loops;
    this.onEnded = onEnded;
    int parallel = rooms.executionsParallel();
    if (parallel < 1 || parallel > PARALLEL_MAX) {
      throw new IllegalArgumentException(
          "tidemark.executions.parallel is from 1 to " + PARALLEL_MAX + ", not " + parallel);
    }
    workers = Executors.newFixedThreadPool(parallel, work -> new Thread(work, "execution"));
  }

  /** Takes an execution to carry out when its turn comes; once, however often it is handed over. */
  void submit(SyncConfiguration configuration, Execution execution) {
    if (taken.add(execution.id())) {
      try {
        workers.execute(() -> run(configuration, execution));
      } catch (RejectedExecutionException e) {
        // The process stops. The execution stays pending, for another process or the next start.
        taken.remove(execution.id());
      }
    }
  }

  /** Ends it early if it runs here. */
  void cancel(UUID execution) {
    Runnable cancel = cancels.get(execution);
    if (cancel != null) {
      cancel.run();
    }
  }

  private void run(SyncConfiguration configuration, Execution execution) {
    UUID id = execution.id();
    try {
      // The claim: another instance may have taken it, or a person cancelled it meanwhile. What
      // still waits for its turn when the process stops stays pending.
      if (stopping || !rooms.executions().start(id)) {
        return;
      }
      String end = carryOut(configuration, execution);
      LOG.log(
          Level.INFO,
          () -> "execution " + id + " of " + configuration.definition().name() + ": " + end);
    } catch (OutOfMemoryError e) {
      LOG.log(Level.ERROR, () -> "execution " + id + " ran out of memory", e);
      fail(id, ExecutionError.OUT_OF_MEMORY);
    } catch (RuntimeException | Error e) {
      failed(configuration, id, e);
    } finally {
      cancels.remove(id);
      taken.remove(id);
      onEnded.run();
    }
  }

  private void failed(SyncConfiguration configuration, UUID id, Throwable e) {
    String name = configuration.definition().name();
    if (stopping) {
      // The process took away what it works with. It is tried again.
      LOG.log(Level.INFO, () -> "execution " + id + " of " + name + " was interrupted: " + e);
      fail(id, ExecutionError.INTERRUPTED);
    } else if (e instanceof OperatingFailure failure) {
      LOG.log(
          Level.WARNING,
          () -> "execution " + id + " of " + name + " failed: " + failure.getMessage());
      fail(id, ExecutionError.of(failure));
    } else {
      LOG.log(Level.ERROR, () -> "execution " + id + " failed unexpectedly", e);
      fail(
          id,
          new ExecutionError(
              "unexpected", "an unexpected " + e.getClass().getSimpleName(), "see the log"));
    }
  }

  /** Once, and again for each time that a connection has become another one meanwhile. */
  private String carryOut(SyncConfiguration configuration, Execution execution) {
    UUID id = execution.id();
    while (true) {
      Attempt attempt =
          new Attempt(configuration.definition(), execution.mode(), databases(configuration));
      attempts.put(id, attempt);
      try {
        String end =
            switch (execution.mode()) {
              case FULL -> full(configuration, id);
              case MERGE -> merge(configuration, id);
              case INCREMENTAL -> incremental(configuration, id);
              case VERIFY -> verify(configuration, id, execution.repair());
            };
        if (!end.equals(BEGINS_AGAIN)) {
          return end;
        }
      } catch (OperatingFailure e) {
        if (stopping || attempt.databases().equals(databases(configuration))) {
          throw e;
        }
        LOG.log(Level.DEBUG, () -> "execution " + id + " failed over a former connection", e);
      } finally {
        attempts.remove(id);
      }
      LOG.log(
          Level.INFO,
          () ->
              "execution "
                  + id
                  + " of "
                  + configuration.definition().name()
                  + " begins again: its connection is another one now");
    }
  }

  /** One run of an execution, over the connections as they were when it began. */
  private record Attempt(
      SyncDefinition definition,
      ExecutionMode mode,
      List<PgDatabase> databases,
      AtomicBoolean beginsAgain) {
    Attempt(SyncDefinition definition, ExecutionMode mode, List<PgDatabase> databases) {
      this(definition, mode, List.copyOf(databases), new AtomicBoolean());
    }

    /**
     * Whether it cannot go on with these. A copy's sessions outlive a new password; one that waits
     * opens new ones all the time.
     */
    boolean hasToBeginAgain(List<PgDatabase> now) {
      if (now.equals(databases)) {
        return false;
      }
      return mode == ExecutionMode.INCREMENTAL
          || !now.stream()
              .map(Attempt::place)
              .toList()
              .equals(databases.stream().map(Attempt::place).toList());
    }

    private static List<String> place(PgDatabase database) {
      return List.of(database.url(), String.valueOf(database.username()));
    }
  }

  private List<PgDatabase> databases(SyncConfiguration configuration) {
    SyncDefinition definition = configuration.definition();
    return List.of(rooms.source(definition), rooms.target(definition));
  }

  /** Lets what runs over former connections begin again over these. */
  void follow(Map<String, PgDatabase> connections) {
    attempts.forEach(
        (id, attempt) -> {
          PgDatabase source = connections.get(attempt.definition().sourceConnection());
          PgDatabase target = connections.get(attempt.definition().targetConnection());
          if (source != null
              && target != null
              && attempt.hasToBeginAgain(List.of(source, target))
              && attempt.beginsAgain().compareAndSet(false, true)) {
            cancel(id);
          }
        });
  }

  /** The store may be down too; then the execution is found silent later, and marked. */
  private void fail(UUID id, ExecutionError error) {
    try {
      rooms.executions().fail(id, error);
    } catch (RuntimeException e) {
      LOG.log(Level.WARNING, () -> "the end of execution " + id + " was not recorded", e);
    }
  }

  private String full(SyncConfiguration configuration, UUID id) {
    rooms
        .sharing()
        .refusalOfFull(configuration)
        .ifPresent(
            refusal -> {
              throw new OperatingFailure(
                  OperatingFailure.Kind.USER, "target_shared", refusal.detail(), null, null);
            });
    FullRun run = new FullRun(rooms, configuration, id);
    CopyOutcome outcome = reporting(id, run::cancel, run::counts, run::progress, run::run);
    if (outcome instanceof CopyOutcome.Completed copied) {
      ExecutionCounts counts =
          new ExecutionCounts(
              copied.rowsRead(),
              copied.rowsInserted(),
              copied.rowsUpdated(),
              copied.rowsDeleted(),
              copied.rowsUnchanged(),
              0,
              0,
              0,
              0,
              copied.bytes());
      rooms.executions().report(id, counts, new ExecutionProgress("done", 100.0, null, 0L));
      rooms.executions().recordPositions(id, copied.snapshot().lsn(), copied.snapshot().lsn());
      rooms.executions().complete(id);
      return "completed";
    }
    return cancelled(id);
  }

  private String merge(SyncConfiguration configuration, UUID id) {
    MergeOutcome outcome = merged(configuration, id);
    if (outcome instanceof MergeOutcome.Completed merged) {
      ExecutionCounts counts =
          new ExecutionCounts(
              merged.rowsRead(),
              merged.rowsInserted(),
              merged.rowsUpdated(),
              merged.rowsDeleted(),
              merged.rowsUnchanged(),
              merged.rowsSkipped(),
              merged.conflictsDetected(),
              merged.conflictsResolved(),
              0,
              merged.bytes());
      forgetMarks(configuration);
      rooms.executions().report(id, counts, new ExecutionProgress("done", 100.0, null, 0L));
      rooms.executions().recordPositions(id, merged.snapshot().lsn(), merged.snapshot().lsn());
      rooms.executions().complete(id);
      return "completed";
    }
    return cancelled(id);
  }

  private void forgetMarks(SyncConfiguration configuration) {
    if (configuration.definition().needsCapture()) {
      new AppliedPositions(rooms).forgetMarks(configuration);
    }
  }

  private String verify(SyncConfiguration configuration, UUID id, boolean repair) {
    Optional<VerificationResult> found = compared(configuration, id);
    if (found.isEmpty()) {
      return cancelled(id);
    }
    VerificationResult result = found.get();
    rooms.executions().recordVerification(id, result);
    if (repair && !result.equal()) {
      ExecutionMode mode = repairMode(configuration, result);
      if (!repaired(configuration, id, mode)) {
        return cancelled(id);
      }
      found = compared(configuration, id);
      if (found.isEmpty()) {
        return cancelled(id);
      }
      VerificationResult before = result;
      result = found.get().after(mode, before);
      rooms.executions().recordVerification(id, result);
    }
    if (result.equal()) {
      forgetMarks(configuration);
    }
    rooms
        .executions()
        .report(
            id,
            new ExecutionCounts(result.rowsCompared(), 0, 0, 0, 0, 0, 0, 0, 0, 0),
            new ExecutionProgress("done", 100.0, null, 0L));
    rooms.executions().complete(id);
    return result.equal() ? "completed, equal" : "completed, rows differ";
  }

  private Optional<VerificationResult> compared(SyncConfiguration configuration, UUID id) {
    VerifyRun run = new VerifyRun(rooms, configuration, id, loops.apply(configuration.id()));
    return reporting(id, run::cancel, run::counts, run::progress, run::run);
  }

  /**
   * A merge mends by the policy and at the cost of what differs; it keeps rows that only the target
   * has, so that where these are to go, and the source wins, a full sync mends.
   */
  private ExecutionMode repairMode(SyncConfiguration configuration, VerificationResult found) {
    SyncDefinition definition = configuration.definition();
    boolean removes =
        found.extra() > 0
            && definition.strategy() != SyncStrategy.MERGE
            && definition.conflictResolution() == ConflictResolution.SOURCE_WINS;
    return definition.strategy() == SyncStrategy.FULL || removes
        ? rooms.sharing().copyMode(configuration)
        : ExecutionMode.MERGE;
  }

  /** False if it was cancelled. */
  private boolean repaired(SyncConfiguration configuration, UUID id, ExecutionMode mode) {
    if (mode == ExecutionMode.MERGE) {
      return merged(configuration, id) instanceof MergeOutcome.Completed;
    }
    FullRun run = new FullRun(rooms, configuration, id);
    return reporting(id, run::cancel, run::counts, run::progress, run::run)
        instanceof CopyOutcome.Completed;
  }

  private MergeOutcome merged(SyncConfiguration configuration, UUID id) {
    if (configuration.definition().bidirectional()) {
      TwoWayMergeRun run =
          new TwoWayMergeRun(rooms, configuration, id, loops.apply(configuration.id()));
      return reporting(id, run::cancel, run::counts, run::progress, run::run);
    }
    MergeRun run = new MergeRun(rooms, configuration, id, loops.apply(configuration.id()));
    return reporting(id, run::cancel, run::counts, run::progress, run::run);
  }

  /** Cancelled by a person, or because the process stops: then it is to be tried again. */
  private String cancelled(UUID id) {
    Attempt attempt = attempts.get(id);
    if (!stopping
        && attempt != null
        && attempt.beginsAgain().get()
        && !rooms.executions().isCancelRequested(id)) {
      return BEGINS_AGAIN;
    }
    if (stopping) {
      rooms.executions().fail(id, ExecutionError.INTERRUPTED);
      return "interrupted";
    }
    rooms.executions().cancelled(id);
    return "cancelled";
  }

  private String incremental(SyncConfiguration configuration, UUID id) {
    if (requireNotBroken(configuration) instanceof Assessment.NeverInSync) {
      return rooms.sharing().copyMode(configuration) == ExecutionMode.MERGE
          ? merge(configuration, id)
          : full(configuration, id);
    }
    IncrementalRun run = new IncrementalRun(rooms, configuration, loops.apply(configuration.id()));
    Optional<Long> reached = reporting(id, run::cancel, run::counts, run::progress, run::run);
    if (reached.isEmpty()) {
      return cancelled(id);
    }
    // INVARIANT: asked after the end was reached. What was changed before that is seen.
    requireNotBroken(configuration);
    rooms.executions().report(id, run.counts(), new ExecutionProgress("done", 100.0, null, 0L));
    rooms.executions().recordPositions(id, null, reached.get());
    rooms.executions().complete(id);
    return "completed";
  }

  private Assessment requireNotBroken(SyncConfiguration configuration) {
    Assessment assessment = Assumptions.now(rooms, configuration);
    if (assessment instanceof Assessment.Broken broken) {
      throw broken.failure();
    }
    return assessment;
  }

  private <T> T reporting(
      UUID id,
      Runnable cancel,
      Supplier<ExecutionCounts> counts,
      Supplier<ExecutionProgress> progress,
      Supplier<T> work) {
    cancels.put(id, cancel);
    if (stopping) {
      cancel.run(); // close() did not see it
    }
    ScheduledFuture<?> reporter =
        reporters.scheduleWithFixedDelay(
            () -> report(id, cancel, counts.get(), progress.get()),
            0,
            REPORT_EVERY.toMillis(),
            TimeUnit.MILLISECONDS);
    try {
      return work.get();
    } finally {
      reporter.cancel(false);
    }
  }

  private void report(
      UUID id, Runnable cancel, ExecutionCounts counts, ExecutionProgress progress) {
    try {
      if (!rooms.executions().report(id, counts, progress)) {
        cancel.run();
      }
    } catch (RuntimeException | Error e) {
      // The next report may come through; the execution itself does not need the store. A task
      // that throws, memory included, would never run again, and a silent execution count as lost.
      LOG.log(Level.WARNING, () -> "progress of execution " + id + ": " + e.getMessage());
    }
  }

  @Override
  public void close() {
    stopping = true;
    cancels.values().forEach(Runnable::run);
    workers.shutdown();
    try {
      if (!workers.awaitTermination(STOP_MAX.toMillis(), TimeUnit.MILLISECONDS)) {
        workers.shutdownNow();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    reporters.shutdown(); // after the workers, which start a reporter for each phase
  }
}
