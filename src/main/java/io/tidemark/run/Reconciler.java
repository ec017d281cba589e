package io.tidemark.run;

import io.tidemark.change.OperatingFailure;
import io.tidemark.copy.TableCopy;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.sync.CapturedTable;
import io.tidemark.sync.JdbcStoreFailures;
import io.tidemark.sync.SyncConfiguration;
import io.tidemark.sync.SyncDefinition;
import io.tidemark.sync.SyncState;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The thread that makes what runs in this process follow what the store holds: captures, streams,
 * first copies, schedules, and executions that lost their process.
 *
 * <p>Streams are changed under its lock only: by its own rounds, and by a request that stops one.
 */
final class Reconciler implements AutoCloseable {
  private static final Logger LOG = System.getLogger(Reconciler.class.getName());

  private static final Duration ROUND_EVERY = Duration.ofSeconds(1);

  /** A failed first copy is tried again after this time. */
  private static final Duration INITIAL_RETRY = Duration.ofSeconds(30);

  /** A running execution reports twice a second; one this silent has lost its process. */
  private static final Duration SILENCE_MAX = Duration.ofSeconds(20);

  private static final Duration STOP_MAX = Duration.ofSeconds(30);

  /** A round takes milliseconds; to stop a stream or a capture may take longer. */
  private static final Duration ROUND_MAX = Duration.ofSeconds(20);

  private final Rooms rooms;
  private final ExecutionRunner runner;
  private final Supplier<UUID> ids;
  private final Map<UUID, Stream> streams = new ConcurrentHashMap<>();
  private final Map<UUID, Stream.Condition> written = new ConcurrentHashMap<>();
  private final Set<UUID> retryNow = ConcurrentHashMap.newKeySet();
  private final Map<UUID, Ended> ended = new ConcurrentHashMap<>();
  private final Assumptions assumptions;
  private final Semaphore wakeUps = new Semaphore(0);
  private final Object lock = new Object();
  private final Thread thread = new Thread(this::run, "reconciler");
  private final Instant startedAt;
  private volatile long roundEndedNanos = System.nanoTime();
  private volatile boolean stopping;
  private volatile @Nullable String trouble;
  private volatile Attention attention = Attention.NONE;
  private Set<String> captured = Set.of();
  private volatile List<SyncConfiguration> seen = List.of();
  private boolean sweptStages;

  Reconciler(Rooms rooms, ExecutionRunner runner, Supplier<UUID> ids) {
    this.rooms = rooms;
    this.runner = runner;
    this.ids = ids;
    startedAt = rooms.clock().instant();
    assumptions = new Assumptions(rooms, this::wake);
  }

  /** When this process saw that an execution had ended. */
  private record Ended(UUID execution, long seenNanos) {}

  void start() {
    roundEndedNanos = System.nanoTime();
    thread.start();
  }

  void wake() {
    wakeUps.release();
  }

  /** An execution has ended: what it made is to be looked at now. */
  void executionEnded() {
    assumptions.askNow();
    wake();
  }

  /** Lets a first copy that failed or was cancelled be tried at once. */
  void retryNow(UUID configuration) {
    retryNow.add(configuration);
    wake();
  }

  Optional<Stream> stream(UUID configuration) {
    return Optional.ofNullable(streams.get(configuration));
  }

  Collection<Stream> streams() {
    return List.copyOf(streams.values());
  }

  /**
   * The failed configurations, by name, with the reason: what their streams report now, otherwise
   * what the store held at the last round. A first copy that failed has no stream.
   */
  Map<String, String> failures() {
    Map<String, String> failures = new TreeMap<>();
    for (SyncConfiguration one : seen) {
      Stream.Condition stored = new Stream.Condition(one.state(), one.stateReason());
      Stream.Condition now = stream(one.id()).flatMap(Stream::condition).orElse(stored);
      if (now.state() == SyncState.FAILED) {
        failures.put(one.definition().name(), String.valueOf(now.reason()));
      }
    }
    return failures;
  }

  /** Why the last round did not come to its end, if it did not; or that one does not end. */
  Optional<String> trouble() {
    Duration silent = Duration.ofNanos(System.nanoTime() - roundEndedNanos);
    return thread.isAlive() && silent.compareTo(ROUND_MAX) > 0
        ? Optional.of(
            ("what runs was not compared with the metadata database for %d s: it"
                    + " (tidemark.store.url), or a server that is waited for, does not answer")
                .formatted(silent.toSeconds()))
        : Optional.ofNullable(trouble);
  }

  /** What needs a person although everything flows. */
  Attention attention() {
    return attention;
  }

  /** Stops a configuration's stream in this process. */
  void stop(UUID configuration) {
    synchronized (lock) {
      Stream stream = streams.remove(configuration);
      written.remove(configuration);
      if (stream != null) {
        stream.close();
      }
    }
  }

  private void run() {
    while (!stopping) {
      try {
        round();
        trouble = null;
      } catch (RuntimeException e) {
        if (isOvertaken(e)) {
          LOG.log(Level.DEBUG, "a configuration was deleted while a round was about it", e);
          continue;
        }
        trouble = troubleOf(e);
        LOG.log(Level.WARNING, "a round of reconciling failed", e);
      } catch (Error e) {
        // Memory may come back; a reconciler that died silently would not.
        trouble = "what runs could not be looked after: " + e;
        LOG.log(Level.ERROR, "a round of reconciling failed", e);
      }
      roundEndedNanos = System.nanoTime();
      try {
        if (wakeUps.tryAcquire(ROUND_EVERY.toMillis(), TimeUnit.MILLISECONDS)) {
          wakeUps.drainPermits();
        }
      } catch (InterruptedException e) {
        stopping = true;
      }
    }
  }

  private static String troubleOf(RuntimeException e) {
    return JdbcStoreFailures.in(e)
        .map(failure -> failure.getMessage() + failure.hint().map("; "::concat).orElse(""))
        .orElse("what runs could not be compared with the metadata database: " + e.getMessage());
  }

  /** Whether a configuration that the last round was about exists no more. */
  private boolean isOvertaken(RuntimeException failure) {
    if (JdbcStoreFailures.in(failure).isPresent()) {
      return false;
    }
    try {
      return !ids(rooms.configurations().notDeleting()).containsAll(ids(seen));
    } catch (RuntimeException e) {
      // The store does not answer: that is what the round failed of.
      LOG.log(Level.DEBUG, "the configurations could not be read", e);
      return false;
    }
  }

  private static Set<UUID> ids(List<SyncConfiguration> configurations) {
    return configurations.stream().map(SyncConfiguration::id).collect(Collectors.toSet());
  }

  private void round() {
    synchronized (lock) {
      if (stopping) {
        return;
      }
      List<SyncConfiguration> all = rooms.configurations().notDeleting();
      seen = all;
      ended.keySet().retainAll(ids(all));
      Map<String, PgDatabase> connections = rooms.connections().all();
      followCaptures(all, connections);
      assumptions.follow(all, connections);
      followStreams(all, connections);
      runner.follow(connections);
      resolveSilentExecutions(all);
      for (SyncConfiguration configuration : all) {
        startDue(configuration);
      }
      writeConditions(all);
      attention = Attention.of(all, rooms, assumptions.recordsLost());
    }
  }

  private void followCaptures(List<SyncConfiguration> all, Map<String, PgDatabase> connections) {
    Set<String> needed =
        all.stream()
            .flatMap(one -> one.definition().captured().stream())
            .map(CapturedTable::connection)
            .collect(Collectors.toSet());
    for (String connection : needed) {
      Optional.ofNullable(connections.get(connection)).ifPresent(rooms.tracker()::start);
    }
    captured.stream()
        .filter(connection -> !needed.contains(connection))
        .forEach(rooms.tracker()::stop);
    captured = needed;
  }

  private void followStreams(List<SyncConfiguration> all, Map<String, PgDatabase> connections) {
    Map<UUID, SyncConfiguration> wanted =
        all.stream()
            .filter(one -> one.isActive() && one.definition().isContinuous())
            .collect(Collectors.toMap(SyncConfiguration::id, one -> one));
    for (UUID id : new HashSet<>(streams.keySet())) {
      SyncConfiguration now = wanted.get(id);
      Stream stream = streams.get(id);
      if (now == null
          || stream.configuration().version() != now.version()
          || isElsewhere(stream, connections)) {
        stop(id);
      }
    }
    for (SyncConfiguration configuration : wanted.values()) {
      follow(
          connections,
          streams.computeIfAbsent(
              configuration.id(), id -> new Stream(rooms, configuration, this::wake)));
    }
  }

  private static boolean isElsewhere(Stream stream, Map<String, PgDatabase> connections) {
    SyncDefinition definition = stream.configuration().definition();
    PgDatabase source = connections.get(definition.sourceConnection());
    PgDatabase target = connections.get(definition.targetConnection());
    return source != null && target != null && stream.usesOthersThan(source, target);
  }

  private void follow(Map<String, PgDatabase> connections, Stream stream) {
    SyncConfiguration configuration = stream.configuration();
    Assessment assessment = assumptions.of(configuration);
    if (assessment instanceof Assessment.Sound) {
      if (stream.loop().isEmpty()) {
        assumptions.adopt(configuration);
      }
      SyncDefinition definition = configuration.definition();
      stream.start(
          connections.get(definition.sourceConnection()),
          connections.get(definition.targetConnection()));
    } else if (assessment instanceof Assessment.Broken broken) {
      stream.stop(broken);
    } else if (assessment instanceof Assessment.Unreachable unreachable) {
      stream.await(unreachable.failure());
    } else if (assessment instanceof Assessment.NeverInSync never && stream.lacksPosition()) {
      stream.awaitCopy();
      ensureFirstCopy(configuration, never.beganNanos());
    }
  }

  /**
   * @param beganNanos when the target was asked for positions, and had none
   */
  private void ensureFirstCopy(SyncConfiguration configuration, long beganNanos) {
    UUID id = configuration.id();
    Execution last = rooms.executions().lastSyncOf(id).orElse(null);
    if (last != null && !isSeenToEnd(configuration, last, beganNanos)) {
      return;
    }
    if (last != null) {
      boolean isWished = retryNow.remove(id);
      if (!isWished && last.status() == ExecutionStatus.CANCELLED) {
        write(configuration, failed("its first copy was cancelled; resume it, or execute it"));
        return;
      }
      if (last.failure().filter(ExecutionError::isInterruption).isPresent()) {
        write(
            configuration,
            new Stream.Condition(
                SyncState.INITIALIZING, "its first copy was interrupted, and is repeated"));
      } else if (last.status() == ExecutionStatus.FAILED && !isWished) {
        write(
            configuration,
            failed(
                "its first copy failed%s; it is tried again every %d s"
                    .formatted(reasonOf(last), INITIAL_RETRY.toSeconds())));
        if (isRecent(last)) {
          return;
        }
      }
    }
    create(configuration, rooms.sharing().copyMode(configuration), ExecutionTrigger.INITIAL);
  }

  /** Whether the execution has ended, and the target was asked for its positions after that. */
  private boolean isSeenToEnd(SyncConfiguration configuration, Execution last, long beganNanos) {
    if (!last.status().isFinal()) {
      return false;
    }
    Ended known = ended.get(configuration.id());
    if (known == null || !known.execution().equals(last.id())) {
      known = new Ended(last.id(), System.nanoTime());
      ended.put(configuration.id(), known);
    }
    if (beganNanos - known.seenNanos() > 0) {
      return true;
    }
    assumptions.askTarget(configuration.definition().targetConnection());
    return false;
  }

  private static Stream.Condition failed(String reason) {
    return new Stream.Condition(SyncState.FAILED, reason);
  }

  private static String reasonOf(Execution failed) {
    return failed.failure().map(error -> ": " + error.message() + hint(error)).orElse("");
  }

  private static String hint(ExecutionError error) {
    return error.hint() == null ? "" : "; " + error.hint();
  }

  private boolean isRecent(Execution ended) {
    Instant at = ended.finishedAt() == null ? ended.createdAt() : ended.finishedAt();
    return Duration.between(at, rooms.clock().instant()).compareTo(INITIAL_RETRY) < 0;
  }

  private void create(
      SyncConfiguration configuration, ExecutionMode mode, ExecutionTrigger trigger) {
    Execution execution =
        Execution.pending(ids.get(), configuration.id(), mode, trigger, rooms.clock().instant());
    // If another one has not ended, that one does the work.
    if (rooms.executions().createUnlessActive(execution).isEmpty()) {
      runner.submit(configuration, execution);
    }
  }

  private void startDue(SyncConfiguration configuration) {
    SyncDefinition definition = configuration.definition();
    if (!configuration.isActive() || definition.intervalSeconds().isEmpty()) {
      return;
    }
    UUID id = configuration.id();
    Instant now = rooms.clock().instant();
    Execution last = rooms.executions().lastSyncOf(id).orElse(null);
    if (definition.needsCapture()
        && assumptions.of(configuration) instanceof Assessment.Broken broken) {
      write(configuration, failed(broken.sentence()));
      return;
    }
    if (last != null && last.status().isFinal()) {
      writeEndOf(configuration, last);
    }
    Optional<Instant> next = Schedule.nextRun(configuration, last);
    if (next.isEmpty() || next.get().isAfter(now)) {
      return;
    }
    Execution execution =
        Execution.pending(
            ids.get(), id, ExecutionMode.of(definition), ExecutionTrigger.SCHEDULE, now);
    // Asked for once, whichever instance is first.
    Duration interval = Duration.ofSeconds(definition.intervalSeconds().get());
    if (rooms.executions().createIfDue(execution, interval)) {
      runner.submit(configuration, execution);
    }
  }

  /** A schedule whose runs fail must not look healthy. */
  private void writeEndOf(SyncConfiguration configuration, Execution last) {
    write(
        configuration,
        last.status() == ExecutionStatus.FAILED
            ? failed("its last execution failed" + reasonOf(last))
            : new Stream.Condition(configuration.definition().stateAtRest(), null));
  }

  /** A process that was killed could not say how its executions ended. */
  private void resolveSilentExecutions(List<SyncConfiguration> all) {
    Instant now = rooms.clock().instant();
    boolean lost = false;
    for (Execution silent : rooms.executions().silentSince(now.minus(SILENCE_MAX))) {
      if (silent.status() == ExecutionStatus.PENDING) {
        all.stream()
            .filter(one -> one.id().equals(silent.configurationId()))
            .findFirst()
            .ifPresent(configuration -> runner.submit(configuration, silent));
        continue;
      }
      rooms.executions().fail(silent.id(), ExecutionError.INTERRUPTED);
      lost = true;
    }
    if (lost || !sweptStages && Duration.between(startedAt, now).compareTo(SILENCE_MAX) > 0) {
      sweptStages = true;
      sweepStages(all);
    }
  }

  private void sweepStages(List<SyncConfiguration> all) {
    Set<String> targets =
        all.stream().map(one -> one.definition().targetConnection()).collect(Collectors.toSet());
    for (String name : targets) {
      Optional<PgDatabase> target = rooms.connections().find(name);
      try {
        // A stage in use holds a lock of its own, so that no list of live executions is needed.
        target.ifPresent(database -> TableCopy.sweepStages(database, Set.of()));
      } catch (OperatingFailure e) {
        LOG.log(Level.INFO, () -> "stages in '" + name + "' are swept later: " + e.getMessage());
        sweptStages = false;
      }
    }
  }

  private void writeConditions(List<SyncConfiguration> all) {
    for (SyncConfiguration one : all) {
      stream(one.id()).flatMap(Stream::condition).ifPresent(now -> write(one, now));
    }
    for (Stream stream : streams.values()) {
      stream.current().forEach(rooms.tracking()::record);
    }
    rooms.tracker().writtenHere().forEach(rooms.tracking()::recordCaptured);
  }

  /**
   * Only what changed, so that several instances do not overwrite each other every second; and
   * again when a person has resumed it since.
   *
   * @param stored as the store had it when the round began
   */
  private void write(SyncConfiguration stored, Stream.Condition now) {
    boolean isNew = !now.equals(written.put(stored.id(), now));
    boolean isReset =
        stored.state() == stored.definition().stateAtRest() && stored.state() != now.state();
    if (isNew || isReset) {
      rooms.configurations().recordCondition(stored, now.state(), now.reason());
    }
  }

  @Override
  public void close() {
    stopping = true;
    wake();
    try {
      thread.join(STOP_MAX.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    synchronized (lock) {
      streams.values().forEach(Stream::close);
      streams.clear();
    }
    assumptions.close();
  }
}
