package io.tidemark.capture;

import io.tidemark.capture.CaptureState.Phase;
import io.tidemark.change.OperatingFailure;
import io.tidemark.change.TableName;
import io.tidemark.postgres.Lsn;
import io.tidemark.postgres.PgDatabase;
import java.time.Clock;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * One source connection's capture on this instance, from {@link #start} to {@link #stop}: takes the
 * lead, builds writer and engine, watches them, and builds them anew after any failure.
 *
 * <p>INVARIANT: the order of {@link #capture}: fence former writers, read the position up to the
 * log's stable end, end the slot's other walsender, start the engine on an empty offset store. Any
 * other order lets a former capture write after its position was read.
 */
final class CaptureLoop implements Runnable {
  private static final System.Logger LOG = System.getLogger(CaptureLoop.class.getName());

  /** How long an attempt must have run before the next failure's pause starts small again. */
  private static final Duration STABLE = Duration.ofSeconds(10);

  private static final Duration STOP_MAX = Duration.ofSeconds(30);

  /** After this without a message it is made sure that none was lost. */
  private static final Duration SILENCE_MAX = Duration.ofSeconds(10);

  private static final String UNEXPECTED = "unexpected";
  private static final String NOTHING_TRACKED = "no table of this source is tracked";

  private final CaptureSettings settings;
  private final Map<String, Object> clients;
  private final PgDatabase source;
  private final CaptureNames names;
  private final KafkaTopics topics;
  private final CaptureStart decision;
  private final Clock clock;
  private final RandomGenerator random;
  private final CaptureProgress progress = new CaptureProgress();
  private final Object wake = new Object();
  private final Thread thread;

  private volatile CaptureState state;
  private volatile boolean stopping;
  private boolean woken;
  private int failures;

  CaptureLoop(
      CaptureSettings settings,
      Map<String, Object> clients,
      PgDatabase source,
      KafkaTopics topics,
      Clock clock,
      RandomGenerator random) {
    this.settings = settings;
    this.clients = clients;
    this.source = source;
    this.names = CaptureNames.of(settings, source.connection());
    this.decision = new CaptureStart(names);
    this.topics = topics;
    this.clock = clock;
    this.random = random;
    this.state = new CaptureState(Phase.STANDBY, null, null, clock.instant());
    this.thread = new Thread(this, "tidemark-capture-" + source.connection());
    this.thread.setDaemon(true);
  }

  void start() {
    thread.start();
  }

  CaptureState state() {
    return state;
  }

  CaptureProgress progress() {
    return progress;
  }

  PgDatabase source() {
    return source;
  }

  CaptureNames names() {
    return names;
  }

  /** Looks at the slot now, instead of at the next round: a first table was tracked. */
  void wake() {
    synchronized (wake) {
      woken = true;
      wake.notifyAll();
    }
  }

  /** Stops within a bound; idempotent. */
  void stop() {
    stopping = true;
    wake();
    try {
      thread.join(STOP_MAX.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    if (thread.isAlive()) {
      thread.interrupt();
    }
  }

  @Override
  public void run() {
    while (!stopping) {
      Duration pause = PgLeadership.PING;
      try {
        takeLead();
      } catch (InterruptedException e) {
        stopping = true;
      } catch (Exception e) {
        pause = failed(e);
      } catch (Error e) {
        // Memory may come back; a loop that died silently would not.
        pause = failed(e);
      }
      sleep(pause);
    }
    become(Phase.STOPPED, null, null);
  }

  private void takeLead() throws Exception {
    Optional<PgLeadership> taken = PgLeadership.tryTake(source, names.lock());
    if (taken.isEmpty()) {
      become(Phase.STANDBY, "another instance captures this source", null);
      return;
    }
    try (PgLeadership lead = taken.get()) {
      while (!stopping) {
        if (lead.slot(names.slot()).isEmpty()) {
          idle();
        } else if (!capture(lead)) {
          become(Phase.STANDBY, "capture of this source was ended", null);
        }
        sleep(PgLeadership.PING);
      }
    }
  }

  /** There is no slot: nothing is tracked, unless the topics know of a slot in use. */
  private void idle() {
    if (!state.isSame(Phase.STANDBY, NOTHING_TRACKED)) {
      // Asked once: a slot that vanishes later ends the engine, which comes back to here.
      decision.refuseIfInUse(lastPosition());
      become(Phase.STANDBY, NOTHING_TRACKED, null);
    }
  }

  private Optional<WrittenPosition> lastPosition() {
    try (KafkaPositionReader reader =
        new KafkaPositionReader(settings, clients, names.connection())) {
      return reader.last();
    }
  }

  /** Captures until something ends it; false if there is nothing to capture. */
  private boolean capture(PgLeadership lead) throws Exception {
    if (failures == 0) {
      // Else what has failed is told until the capture has come further.
      become(Phase.STARTING, null, null);
    }
    topics.ensurePosition(names.connection());
    topics.ensureSchemas(names.connection());
    try (KafkaChangeWriter writer =
        new KafkaChangeWriter(settings, clients, names, topics, progress, clock)) {
      Optional<WrittenPosition> last = lastPosition();
      if (last.isPresent() && last.get().phase() == WrittenPosition.Phase.RELEASED) {
        return false;
      }
      lead.evict(names.slot());
      // INVARIANT: looked up after the position was read, so that a slot that a reset dropped in
      // between is not taken for the one that the reset is about to make.
      Optional<PgSlot> found = lead.slot(names.slot());
      if (found.isEmpty()) {
        return false;
      }
      PgSlot slot = found.get();
      SlotGeneration generation = PgSource.generation(source, names.slot());
      WrittenPosition from = decision.decide(last, slot, generation, clock.millis());
      PgTrackedTables tables = PgSource.look(source, names.publication());
      if (!tables.note().isComplete()) {
        PgTracking.adopt(source, names);
      }
      for (TableName table : tables.captured()) {
        writer.writesTo(topics.requireChanges(decision, names.connection(), table), table);
      }
      if (last.isPresent() && last.get().equals(from)) {
        writer.resume(from);
      } else {
        writer.record(from);
      }
      try (DebeziumEngineRun engine =
          DebeziumEngineRun.start(
              source,
              PgSource.address(source),
              names.slot(),
              slot.confirmedLsn(),
              new PgSourceCatalog(source, names.publication()),
              writer,
              this::wake)) {
        LOG.log(
            System.Logger.Level.INFO,
            "Capture starts. connection={0} slot={1} from={2} confirmed={3}",
            names.connection(),
            names.slot(),
            from.position(),
            Lsn.text(slot.confirmedLsn()));
        try {
          watch(lead, engine, from);
        } catch (InterruptedException e) {
          throw e;
        } catch (Exception e) {
          // Told now: to close an engine whose server hangs takes half a minute.
          tell(e);
          throw e;
        }
      }
    }
    return true;
  }

  /**
   * Keeps the lead and the heartbeat while the engine runs; throws what ended it.
   *
   * @param from where it began
   */
  private void watch(PgLeadership lead, DebeziumEngineRun engine, WrittenPosition from)
      throws Exception {
    Duration turn =
        settings.heartbeat().compareTo(PgLeadership.PING) < 0
            ? settings.heartbeat()
            : PgLeadership.PING;
    long started = System.nanoTime();
    long beat = started;
    long heartbeat = 0;
    while (!stopping) {
      sleep(turn);
      if (engine.hasEnded()) {
        Throwable cause = engine.failure().orElse(null);
        throw new IllegalStateException(
            "the capture engine ended: " + PgSource.reason(cause), cause);
      }
      long now = System.nanoTime();
      if (engine.isStreaming() && (failures == 0 || hasMovedFrom(from))) {
        become(Phase.RUNNING, null, null);
        if (now - started > STABLE.toNanos()) {
          failures = 0;
        }
      }
      if (now - beat >= settings.heartbeat().toNanos()) {
        beat = now;
        long sent = lead.heartbeat();
        heartbeat = heartbeat > engine.heardLsn() ? heartbeat : sent;
      } else {
        lead.ping();
      }
      requireSignOfLife(lead, engine, heartbeat);
    }
  }

  /**
   * INVARIANT: a heartbeat that was sent has to come back. A connection that lets nothing through
   * any more looks like an idle source.
   *
   * @param heartbeat where the log has the oldest one that has not come back
   */
  private void requireSignOfLife(PgLeadership lead, DebeziumEngineRun engine, long heartbeat)
      throws Exception {
    // A server that is busy with a transaction nobody asked for is silent too, and has not sent it.
    if (engine.silentNanos() > SILENCE_MAX.toNanos()
        && heartbeat > engine.heardLsn()
        && lead.hasSent(names.slot(), heartbeat)) {
      throw new OperatingFailure(
          OperatingFailure.Kind.SOURCE,
          "stream_silent",
          "nothing arrives from the replication stream of connection '"
              + names.connection()
              + "', although the server has sent it",
          "It is opened again by itself; if that happens often, look at what is between this"
              + " process and the source.",
          null);
    }
  }

  /** An idle source moves too, by its heartbeat; one that fails at the same change does not. */
  private boolean hasMovedFrom(WrittenPosition from) {
    return progress.written().filter(now -> now.position().isAfter(from.position())).isPresent();
  }

  /** Notes a failure and answers how long to wait. */
  private Duration failed(Throwable failure) {
    failures++;
    OperatingFailure known = tell(failure);
    String line =
        "Capture of "
            + names.connection()
            + " failed ("
            + failures
            + " in a row): "
            + known.getMessage();
    if (known.code().equals(UNEXPECTED)) {
      LOG.log(System.Logger.Level.WARNING, line, failure);
    } else {
      LOG.log(System.Logger.Level.WARNING, line);
      LOG.log(System.Logger.Level.DEBUG, "The failure of " + names.connection(), failure);
    }
    return isClosed(known) ? settings.backoff().most() : settings.backoff().pause(failures, random);
  }

  private OperatingFailure tell(Throwable failure) {
    OperatingFailure known = meaningOf(failure);
    Phase phase = isClosed(known) ? Phase.FAILED : Phase.RETRYING;
    become(phase, known.getMessage(), known.hint().orElse(null));
    return known;
  }

  private static boolean isClosed(OperatingFailure failure) {
    return failure.code().startsWith(CaptureStart.CLOSED_PREFIX);
  }

  private static OperatingFailure meaningOf(Throwable failure) {
    for (Throwable at = failure; at != null; at = at.getCause()) {
      if (at instanceof OperatingFailure known) {
        return known;
      }
      if (at instanceof OutOfMemoryError) {
        return new OperatingFailure(
            OperatingFailure.Kind.CAPACITY,
            "out_of_memory",
            "the next changes do not fit into this process's memory of %d MB"
                .formatted(Runtime.getRuntime().maxMemory() >> 20),
            "start it with more (java -Xmx…): a row takes up to ten times its own size; it goes on"
                + " where it stopped",
            failure);
      }
    }
    return PgSource.failureIn(failure)
        .or(() -> KafkaFailures.in(failure))
        .orElseGet(
            () ->
                new OperatingFailure(
                    OperatingFailure.Kind.CAPACITY,
                    UNEXPECTED,
                    PgSource.reason(failure),
                    "It is tried again by itself; the log has it whole.",
                    failure));
  }

  private void become(Phase phase, @Nullable String reason, @Nullable String remedy) {
    CaptureState former = state;
    if (!former.isSame(phase, reason)) {
      // A failure that stays keeps the time at which it began, whatever its words.
      boolean continues = former.phase() == phase;
      state = new CaptureState(phase, reason, remedy, continues ? former.since() : clock.instant());
    }
  }

  private void sleep(Duration pause) {
    long until = System.nanoTime() + pause.toNanos();
    synchronized (wake) {
      try {
        while (!woken && !stopping) {
          long left = (until - System.nanoTime()) / 1_000_000;
          if (left <= 0) {
            break;
          }
          wake.wait(left);
        }
      } catch (InterruptedException e) {
        stopping = true;
      }
      woken = false;
    }
  }
}
