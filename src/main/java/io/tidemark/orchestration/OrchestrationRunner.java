package io.tidemark.orchestration;

import io.tidemark.run.ExecutionTrigger;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Runs orchestrations that were asked for here, that are due, or that lost their process, each in a
 * thread of its own that mostly waits.
 */
public final class OrchestrationRunner implements AutoCloseable {
  private static final Logger LOG = System.getLogger(OrchestrationRunner.class.getName());

  private static final Duration ROUND_EVERY = Duration.ofSeconds(1);

  /** A run says twice a second that it goes on; one this silent has lost its process. */
  private static final Duration SILENCE_MAX = Duration.ofSeconds(20);

  private static final Duration DELETE_EVERY = Duration.ofHours(1);

  /** Rows of one statement: short enough not to be in anybody's way. */
  private static final int DELETE_MAX = 1000;

  private static final Duration STOP_MAX = Duration.ofSeconds(10);

  private final JdbcOrchestrations orchestrations;
  private final OrchestrationRun.Tools tools;
  private final InstantSource clock;
  private final Supplier<UUID> ids;
  private final Set<UUID> running = ConcurrentHashMap.newKeySet();
  private final ExecutorService runs =
      Executors.newCachedThreadPool(work -> new Thread(work, "orchestration"));
  private final ScheduledExecutorService rounds =
      Executors.newSingleThreadScheduledExecutor(work -> new Thread(work, "orchestrations"));
  private volatile boolean stopping;
  private volatile @Nullable String trouble;
  private Instant deleteAt;

  OrchestrationRunner(
      JdbcOrchestrations orchestrations,
      OrchestrationRun.Tools tools,
      InstantSource clock,
      Supplier<UUID> ids) {
    this.orchestrations = orchestrations;
    this.tools = tools;
    this.clock = clock;
    this.ids = ids;
    deleteAt = clock.instant();
  }

  /** Begins to run what is due. */
  public void start() {
    rounds.scheduleWithFixedDelay(this::round, 0, ROUND_EVERY.toMillis(), TimeUnit.MILLISECONDS);
  }

  /** Why the last look for what is due did not come to its end, if it did not. */
  public Optional<String> trouble() {
    return Optional.ofNullable(trouble);
  }

  private void round() {
    try {
      startDue();
      tools.runs().takeOver(clock.instant().minus(SILENCE_MAX)).forEach(this::submit);
      deleteExpired();
      trouble = null;
    } catch (RuntimeException | Error e) {
      // The next round may come through; a scheduled task that throws would never run again.
      trouble = "orchestrations that are due could not be looked for: " + e.getMessage();
      LOG.log(Level.WARNING, "a round of orchestrations failed", e);
    }
  }

  private void startDue() {
    var scheduled = orchestrations.scheduled();
    Map<UUID, OrchestrationExecution> last =
        tools.runs().lastOf(scheduled.stream().map(Orchestration::id).collect(Collectors.toSet()));
    Instant now = now();
    for (Orchestration one : scheduled) {
      Optional<Instant> next = nextRun(one, last.get(one.id()));
      if (next.isEmpty() || next.get().isAfter(now)) {
        continue;
      }
      Duration every = Duration.ofSeconds(one.definition().intervalSeconds().orElseThrow());
      OrchestrationExecution execution = pending(one, one.definition(), ExecutionTrigger.SCHEDULE);
      if (tools.runs().createIfDue(execution, every)) {
        submit(execution);
      }
    }
  }

  /**
   * When a schedule's next run is due; one in the past runs now. Empty without a schedule, and
   * while one runs.
   */
  static Optional<Instant> nextRun(
      Orchestration orchestration, @Nullable OrchestrationExecution last) {
    Optional<Integer> every = orchestration.definition().intervalSeconds();
    if (last == null) {
      return every.map(seconds -> orchestration.updatedAt());
    }
    return last.status().isFinal()
        ? every.map(seconds -> last.createdAt().plusSeconds(seconds))
        : Optional.empty();
  }

  OrchestrationExecution pending(
      Orchestration orchestration, OrchestrationDefinition definition, ExecutionTrigger trigger) {
    return OrchestrationExecution.pending(
        ids.get(), orchestration.id(), definition, trigger, now());
  }

  private Instant now() {
    return clock.instant().truncatedTo(ChronoUnit.MICROS);
  }

  /** Runs an execution of this process; once, however often it is handed over. */
  void submit(OrchestrationExecution execution) {
    if (!stopping && running.add(execution.id())) {
      runs.execute(() -> run(execution));
    }
  }

  private void run(OrchestrationExecution execution) {
    try {
      new OrchestrationRun(tools, execution, () -> stopping).run();
    } catch (RuntimeException | Error e) {
      // Nothing is heard of it from here on, so that it is taken over, here or elsewhere.
      LOG.log(Level.WARNING, () -> "execution " + execution.id() + " is tried again later", e);
    } finally {
      running.remove(execution.id());
    }
  }

  private void deleteExpired() {
    if (clock.instant().isBefore(deleteAt)) {
      return;
    }
    if (tools.runs().deleteExpired(DELETE_MAX) < DELETE_MAX) {
      deleteAt = clock.instant().plus(DELETE_EVERY);
    }
  }

  /** Leaves what runs to another process, or to the next start of this one. */
  @Override
  public void close() {
    stopping = true;
    rounds.shutdown();
    runs.shutdown();
    try {
      if (!runs.awaitTermination(STOP_MAX.toMillis(), TimeUnit.MILLISECONDS)) {
        runs.shutdownNow();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
