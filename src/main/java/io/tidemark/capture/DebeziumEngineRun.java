package io.tidemark.capture;

import io.debezium.embedded.Connect;
import io.debezium.engine.DebeziumEngine;
import io.debezium.engine.RecordChangeEvent;
import io.debezium.engine.format.ChangeEventFormat;
import io.tidemark.postgres.PgDatabase;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.connect.source.SourceRecord;
import org.jspecify.annotations.Nullable;

/**
 * One engine from its start to its end; it is never started twice. Whatever goes wrong ends it, and
 * {@link CaptureLoop} builds the next one: a retry inside the engine would resume from its own
 * offsets, which loses rows in Debezium 3.6.
 */
final class DebeziumEngineRun implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(DebeziumEngineRun.class.getName());

  /** Longest wait for a batch to fill; it adds to every change's delay. */
  private static final int POLL_MILLIS = 1;

  /** How often the slot hears what is written. Late news cost only a longer re-send. */
  private static final int CONFIRM_MILLIS = 250;

  private static final String ANSWER_SECONDS_MAX = "8";

  private static final Duration CLOSE_MAX = Duration.ofSeconds(20);
  private static final long CLOSE_RETRY_MILLIS = 20;

  private final DebeziumSession session;
  private final DebeziumEngine<RecordChangeEvent<SourceRecord>> engine;
  private final Thread thread;
  private final CountDownLatch done = new CountDownLatch(1);
  private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
  private final DebeziumBatches batches;
  private final Runnable onEnd;

  private DebeziumEngineRun(
      DebeziumSession session,
      Map<String, String> address,
      DebeziumBatches.Sink sink,
      Runnable onEnd) {
    this.session = session;
    this.onEnd = onEnd;
    this.batches =
        new DebeziumBatches(
            session, address.getOrDefault("database.dbname", ""), sink, System::nanoTime);
    this.engine =
        DebeziumEngine.create(ChangeEventFormat.of(Connect.class))
            .using(properties(session, address))
            .using(DebeziumEngineRun.class.getClassLoader())
            .using(
                (success, message, error) -> {
                  if (!success) {
                    fail(error != null ? error : new IllegalStateException(message));
                  }
                })
            .notifying(this::handle)
            .build();
    this.thread = new Thread(this::run, "tidemark-capture-engine-" + session.source().connection());
    this.thread.setDaemon(true);
  }

  /** Starts an engine on an existing, free slot. */
  static DebeziumEngineRun start(
      PgDatabase source,
      Map<String, String> address,
      String slot,
      long startLsn,
      PgOutputCatalog catalog,
      DebeziumBatches.Sink sink,
      Runnable onEnd) {
    DebeziumSelfTest.require();
    DebeziumSession session =
        new DebeziumSession(slot + "-" + UUID.randomUUID(), source, slot, startLsn, catalog);
    try {
      DebeziumEngineRun run = new DebeziumEngineRun(session, address, sink, onEnd);
      run.thread.start();
      return run;
    } catch (RuntimeException e) {
      session.close();
      throw e;
    }
  }

  static Properties properties(DebeziumSession session, Map<String, String> address) {
    Properties properties = new Properties();
    properties.putAll(address);
    Map<String, Object> fixed =
        Map.ofEntries(
            Map.entry("name", "tidemark"),
            Map.entry("connector.class", DebeziumConnector.class.getName()),
            // Also the name in JMX, where two engines of one process must differ.
            Map.entry("topic.prefix", session.id()),
            Map.entry("plugin.name", "pgoutput"),
            Map.entry("slot.name", session.slot()),
            Map.entry("slot.max.retries", "0"),
            // Of Debezium's own session, which asks small questions only; the stream is ours. A
            // server that hangs would keep the engine from ending.
            Map.entry("driver.socketTimeout", ANSWER_SECONDS_MAX),
            Map.entry("publication.name", session.slot()),
            Map.entry("publication.autocreate.mode", "disabled"),
            Map.entry("snapshot.mode", "no_data"),
            // Our records bypass Debezium's tables: this keeps it from reading the whole catalog.
            Map.entry("table.include.list", "tidemark_none\\.none"),
            Map.entry("sourceinfo.struct.maker", DebeziumStamper.class.getName()),
            Map.entry("binary.handling.mode", "bytes"),
            Map.entry("skipped.operations", "none"),
            Map.entry("tombstones.on.delete", "false"),
            Map.entry("extended.headers.enabled", "false"),
            Map.entry("event.processing.failure.handling.mode", "fail"),
            Map.entry("lsn.flush.mode", "connector"),
            Map.entry("heartbeat.interval.ms", "0"),
            Map.entry(
                "offset.storage", "org.apache.kafka.connect.storage.MemoryOffsetBackingStore"),
            Map.entry("offset.flush.interval.ms", Integer.toString(CONFIRM_MILLIS)),
            Map.entry("errors.max.retries", "0"),
            Map.entry("poll.interval.ms", Integer.toString(POLL_MILLIS)),
            Map.entry("max.batch.size", Integer.toString(DebeziumBatches.BATCH_RECORDS)),
            Map.entry("max.queue.size", Integer.toString(DebeziumBatches.QUEUE_RECORDS)),
            Map.entry("record.processing.threads", "1"));
    properties.putAll(fixed);
    return properties;
  }

  private void run() {
    try {
      engine.run();
    } catch (RuntimeException | Error e) {
      fail(e);
    } finally {
      session.close();
      done.countDown();
      onEnd.run();
    }
  }

  private void fail(Throwable error) {
    // The first failure is the cause, the later ones follow from it.
    if (!failure.compareAndSet(null, error)) {
      LOG.log(System.Logger.Level.DEBUG, "A further failure of a failed engine.", error);
    }
  }

  private void handle(
      List<RecordChangeEvent<SourceRecord>> records,
      DebeziumEngine.RecordCommitter<RecordChangeEvent<SourceRecord>> committer)
      throws InterruptedException {
    try {
      batches.take(records, committer);
    } catch (RuntimeException e) {
      fail(e);
      // Not a Connect exception: the engine would retry those with the next batch, and lose this.
      throw new IllegalStateException("the batch could not be written", e);
    }
  }

  boolean isStreaming() {
    return session.isStreaming();
  }

  /** See {@link DebeziumSession#silentNanos}. */
  long silentNanos() {
    return session.silentNanos();
  }

  /** See {@link DebeziumSession#heardLsn}. */
  long heardLsn() {
    return session.heardLsn();
  }

  boolean hasEnded() {
    return done.getCount() == 0;
  }

  Optional<Throwable> failure() {
    return Optional.ofNullable(failure.get());
  }

  /** Stops within a bound; the slot sends again what was not confirmed. */
  @Override
  public void close() {
    session.stop();
    long until = System.nanoTime() + CLOSE_MAX.toNanos();
    boolean interrupted = false;
    while (done.getCount() > 0 && System.nanoTime() < until) {
      try {
        engine.close();
      } catch (IllegalStateException e) {
        // Still starting, or already stopping: both end by themselves.
        LOG.log(System.Logger.Level.TRACE, "The engine cannot be closed yet.", e);
      } catch (IOException e) {
        LOG.log(System.Logger.Level.DEBUG, "Closing the engine failed.", e);
      }
      try {
        if (done.await(CLOSE_RETRY_MILLIS, TimeUnit.MILLISECONDS)) {
          break;
        }
      } catch (InterruptedException e) {
        interrupted = true;
        break;
      }
    }
    if (done.getCount() > 0) {
      thread.interrupt();
      LOG.log(System.Logger.Level.WARNING, "A capture engine did not stop in time.");
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
