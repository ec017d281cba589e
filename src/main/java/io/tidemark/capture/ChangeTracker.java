package io.tidemark.capture;

import io.tidemark.change.OperatingFailure;
import io.tidemark.change.TableName;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.postgres.PgSession;
import io.tidemark.postgres.Sql;
import java.time.Clock;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;

/**
 * Turns the committed changes of source tables into Kafka topics: what other rooms know of capture.
 *
 * <p>Any instance may call any of it. Of the instances that {@link #start} a connection one
 * captures; another takes over within seconds when it dies or freezes.
 */
public final class ChangeTracker implements AutoCloseable {
  /** Until a heartbeat of the source is in the topics. */
  private static final Duration HEARTBEAT_WAY_MAX = Duration.ofSeconds(1);

  private final CaptureSettings settings;
  private final Map<String, Object> clients;
  private final Clock clock;
  private final RandomGenerator random;
  private final KafkaTopics topics;
  private final Map<String, CaptureLoop> loops = new ConcurrentHashMap<>();

  /**
   * @param clients settings of every Kafka client: addresses and security
   */
  public ChangeTracker(
      CaptureSettings settings, Map<String, Object> clients, Clock clock, RandomGenerator random) {
    this.settings = settings;
    this.clients = Map.copyOf(clients);
    this.clock = clock;
    this.random = random;
    this.topics = new KafkaTopics(settings, this.clients);
  }

  /** The name of a source connection's slot and publication, as these settings make it. */
  public static String slotName(String topicPrefix, String installation, String connection) {
    return CaptureNames.of(topicPrefix, installation, connection).slot();
  }

  /**
   * Captures this source from here, unless another instance does. Idempotent; a connection that has
   * another address or password since is captured over that one from now on.
   */
  public void start(PgDatabase source) {
    CaptureLoop running = loops.get(source.connection());
    if (running != null && !running.source().equals(source)) {
      stop(source.connection());
    }
    loops.computeIfAbsent(
        source.connection(),
        connection -> {
          CaptureLoop loop = new CaptureLoop(settings, clients, source, topics, clock, random);
          loop.start();
          return loop;
        });
  }

  /** Ends this instance's part in capturing the connection. Idempotent. */
  public void stop(String connection) {
    CaptureLoop loop = loops.remove(connection);
    if (loop != null) {
      loop.stop();
    }
  }

  /**
   * Makes sure that every change of the table that commits after this returns is captured, and that
   * no transaction is open whose earlier changes are not. Whoever copies the table after this
   * returns misses nothing. Idempotent; a table that is tracked already costs one look.
   *
   * @param isWanted asked while nobody else changes what is tracked: whether a configuration of the
   *     table still exists. What it waits for must not wait for this.
   * @return the id of the tracking, see {@link TrackedTables}
   * @throws OperatingFailure if the source or the brokers refuse, if transactions that were writing
   *     to the table do not end in time, or if the table is not wanted
   */
  public String ensureTracked(PgDatabase source, TableName table, BooleanSupplier isWanted) {
    String id = new PgTracking(settings, clients, source, topics, clock).track(table, isWanted);
    CaptureLoop loop = loops.get(source.connection());
    if (loop != null) {
      loop.wake();
    }
    return id;
  }

  /**
   * Reads which tables of a source are tracked, and what is wrong with them.
   *
   * @param session at the source
   */
  public TrackedTables look(PgSession session, String connection) {
    CaptureNames names = CaptureNames.of(settings, connection);
    PgTrackedTables found = PgTrackedTables.look(session, names.publication());
    if (found.hasNewPartitions()) {
      PgTracking.adoptIfFree(session, names);
    }
    return found.view();
  }

  /**
   * Stops capturing every table of the source but these. With none left, slot and publication are
   * dropped and the source keeps nothing of ours.
   *
   * @param remaining asked while nobody else changes what is tracked
   * @return whether there was anything to do
   */
  public boolean release(PgDatabase source, Supplier<Set<TableName>> remaining) {
    return new PgTracking(settings, clients, source, topics, clock).release(remaining);
  }

  /**
   * Ends the capture of a source that cannot be reached: slot and publication stay there. If it is
   * tracked again, both are made anew.
   */
  public void abandon(String connection) {
    stop(connection);
    PgTracking.recordReleased(settings, clients, connection, topics, clock);
  }

  /**
   * The slots of Tidemark in a database that nobody reads and that are no connection's of these:
   * each keeps the server's log from being removed.
   */
  public List<String> unusedSlots(PgSession session, Set<String> connections) {
    Set<String> known =
        connections.stream()
            .map(connection -> CaptureNames.of(settings, connection).slot())
            .collect(Collectors.toSet());
    return PgSlot.unused(session).stream().filter(slot -> !known.contains(slot)).toList();
  }

  /** Statements that remove at the source what {@link #abandon} left there. */
  public List<String> statementsToRelease(String connection) {
    CaptureNames names = CaptureNames.of(settings, connection);
    return List.of(
        "select pg_drop_replication_slot(" + Sql.literal(names.slot()) + ")",
        "drop publication if exists " + Sql.name(names.publication()));
  }

  /** Statements that take a table out of a capture that goes on. */
  public List<String> statementsToRelease(String connection, TableName table) {
    String publication = Sql.name(CaptureNames.of(settings, connection).publication());
    return List.of("alter publication " + publication + " drop table " + Sql.name(table));
  }

  /**
   * Makes slot and position of the source anew, for a capture that may have missed changes: topics
   * go on behind the gap. Every table's target must be copied in full after this. The publication
   * is kept, and brought to these tables. Repeating it after a crash does no harm.
   *
   * @param tables asked while nobody else changes what is tracked
   * @throws OperatingFailure if the source or the brokers refuse
   */
  public void reset(PgDatabase source, Supplier<Set<TableName>> tables) {
    new PgTracking(settings, clients, source, topics, clock).reset(tables);
    CaptureLoop loop = loops.get(source.connection());
    if (loop != null) {
      loop.wake();
    }
  }

  /**
   * Whether the source's capture cannot go on before it is reset. Asks the source and the position
   * topic, so it is true on any instance.
   */
  public boolean needsReset(PgDatabase source) {
    CaptureLoop loop = loops.get(source.connection());
    return loop != null && loop.state().phase() == CaptureState.Phase.FAILED
        || new PgTracking(settings, clients, source, topics, clock).refusal().isPresent();
  }

  /**
   * Fails unless the topics hold, without a gap, what commits after the LSN: a slot that was made
   * anew since then leaves one.
   */
  public void requireNoGapSince(PgDatabase source, long lsn) {
    new CaptureWait(settings, clients, source).requireNoGapSince(lsn);
  }

  /** One view for each connection that this instance started. */
  public List<CaptureView> captures() {
    return loops.values().stream()
        .map(loop -> PgCaptureViews.of(loop, clock.instant()))
        .sorted((a, b) -> a.connection().compareTo(b.connection()))
        .toList();
  }

  /** What this instance does for each connection that it started. Asks no server. */
  public Map<String, CaptureState> states() {
    Map<String, CaptureState> states = new TreeMap<>();
    loops.forEach((connection, loop) -> states.put(connection, loop.state()));
    return states;
  }

  /** What this instance does for the connection; empty if it was not started here. */
  public Optional<CaptureState> state(String connection) {
    return Optional.ofNullable(loops.get(connection)).map(CaptureLoop::state);
  }

  /**
   * How old the topics' view of the source is, in seconds; 0 while it is no older than an idle
   * source's heartbeat leaves it. Empty if this instance does not know: another one captures.
   */
  public OptionalDouble secondsBehind(String connection) {
    double fresh = settings.heartbeat().plus(HEARTBEAT_WAY_MAX).toMillis() / 1000.0;
    return Optional.ofNullable(loops.get(connection))
        .filter(loop -> loop.state().phase() != CaptureState.Phase.STANDBY)
        .flatMap(loop -> loop.progress().written())
        .map(written -> (clock.millis() - written.committedMicros() / 1000) / 1000.0)
        .map(seconds -> OptionalDouble.of(seconds > fresh ? seconds : 0))
        .orElse(OptionalDouble.empty());
  }

  /**
   * By connection that this instance captures now, the LSN such that everything committed before it
   * is in the topics. Asks nobody.
   */
  public Map<String, Long> writtenHere() {
    Map<String, Long> written = new HashMap<>();
    loops.forEach(
        (connection, loop) -> {
          if (loop.state().phase() == CaptureState.Phase.RUNNING) {
            loop.progress()
                .written()
                .ifPresent(at -> written.put(connection, at.position().commitLsn()));
          }
        });
    return written;
  }

  /**
   * An LSN such that everything committed before it is in the topics; empty if nothing was captured
   * yet. Reads the position topic, so it is true on any instance.
   */
  public OptionalLong writtenUpTo(String connection) {
    try (KafkaPositionReader reader = new KafkaPositionReader(settings, clients, connection)) {
      return reader
          .recent()
          .filter(last -> last.phase() == WrittenPosition.Phase.WRITTEN)
          .map(last -> OptionalLong.of(last.position().commitLsn()))
          .orElse(OptionalLong.empty());
    }
  }

  /**
   * Waits until every captured change that committed at or before the LSN is in the topics: from
   * then on the topics' committed end offsets hold all of it. Take the LSN from {@code
   * pg_current_wal_insert_lsn()}; the write position may be behind a commit that is not flushed.
   *
   * @return whether it came true in time
   */
  public boolean awaitWritten(PgDatabase source, long lsn, Duration max) {
    return new CaptureWait(settings, clients, source).until(lsn, max, local(source));
  }

  private Optional<CaptureProgress> local(PgDatabase source) {
    // Not while it fails: it may have refused the source that it now finds.
    return Optional.ofNullable(loops.get(source.connection()))
        .filter(loop -> loop.state().phase() == CaptureState.Phase.RUNNING)
        .map(CaptureLoop::progress);
  }

  /** Ends all captures of this instance. */
  @Override
  public void close() {
    for (String connection : List.copyOf(loops.keySet())) {
      stop(connection);
    }
    topics.close();
  }
}
