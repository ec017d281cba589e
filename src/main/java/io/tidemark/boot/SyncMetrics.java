package io.tidemark.boot;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.MultiGauge;
import io.micrometer.core.instrument.MultiGauge.Row;
import io.micrometer.core.instrument.Tags;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import io.tidemark.apply.RowCounts;
import io.tidemark.capture.CaptureView;
import io.tidemark.capture.ChangeTracker;
import io.tidemark.run.Attention;
import io.tidemark.run.StreamView;
import io.tidemark.run.SyncEngine;
import io.tidemark.run.SyncOrchestrator;
import jakarta.enterprise.event.Observes;
import jakarta.enterprise.inject.Instance;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * What {@code /q/metrics} tells of captures and streams. The numbers are gathered every few seconds
 * and not at each scrape: some of them are asked of the source.
 */
@Singleton
final class SyncMetrics {
  private static final Logger LOG = System.getLogger(SyncMetrics.class.getName());
  private static final int GATHER_SECONDS = 5;

  private final SyncEngine engine;
  private final Instance<ChangeTracker> tracker;
  private final MultiGauge applyLagEvents;
  private final MultiGauge applyLagSeconds;
  private final FollowingCounters applyRows;
  private final FollowingCounters applyBatches;
  private final FollowingCounters applyBatchSeconds;
  private final MultiGauge conflictsPending;
  private final MultiGauge verifyUnequal;
  private final MultiGauge verifyAge;
  private final MultiGauge captureLagBytes;
  private final MultiGauge captureLagSeconds;
  private final MultiGauge captureRetainedWal;
  private final FollowingCounters captureChanges;
  private final Clock clock = Clock.systemUTC();
  private final ScheduledExecutorService gatherer =
      Executors.newSingleThreadScheduledExecutor(work -> new Thread(work, "metrics"));

  @Inject
  SyncMetrics(SyncEngine engine, Instance<ChangeTracker> tracker, MeterRegistry registry) {
    this.engine = engine;
    this.tracker = tracker;
    applyLagEvents = gauge(registry, "tidemark.apply.lag.events", "Records not applied yet");
    applyLagSeconds =
        gauge(registry, "tidemark.apply.lag.seconds", "Since the target was last in step");
    applyRows = new FollowingCounters(registry, "tidemark.apply.rows", "Rows by operation");
    applyBatches = new FollowingCounters(registry, "tidemark.apply.batches", "Batches committed");
    applyBatchSeconds =
        new FollowingCounters(registry, "tidemark.apply.batch.seconds", "Time spent in batches");
    conflictsPending =
        gauge(registry, "tidemark.conflicts.pending", "Conflicts that wait for a decision");
    verifyUnequal =
        gauge(registry, "tidemark.verify.unequal.rows", "Rows that the last verification found");
    verifyAge =
        gauge(registry, "tidemark.verify.age.seconds", "Since what the last verification compared");
    captureLagBytes =
        gauge(registry, "tidemark.capture.lag.bytes", "WAL between the topics and the source");
    captureLagSeconds =
        gauge(registry, "tidemark.capture.lag.seconds", "Age of the newest commit in the topics");
    captureRetainedWal =
        gauge(registry, "tidemark.capture.retained.wal.bytes", "WAL that the source keeps for us");
    captureChanges =
        new FollowingCounters(registry, "tidemark.capture.changes", "Changes written to topics");
  }

  private static MultiGauge gauge(MeterRegistry registry, String name, String description) {
    return MultiGauge.builder(name).description(description).register(registry);
  }

  void start(@Observes StartupEvent event) {
    if (engine instanceof SyncOrchestrator orchestrator) {
      gatherer.scheduleWithFixedDelay(
          () -> gather(orchestrator), GATHER_SECONDS, GATHER_SECONDS, TimeUnit.SECONDS);
    }
  }

  void stop(@Observes ShutdownEvent event) {
    gatherer.shutdownNow();
  }

  private void gather(SyncOrchestrator orchestrator) {
    try {
      streams(orchestrator.streams());
      attention(orchestrator.attention());
      captures(tracker.get().captures());
    } catch (RuntimeException e) {
      // The next round may come through; a scheduled task that throws would never run again.
      LOG.log(Level.WARNING, () -> "metrics were not gathered: " + e.getMessage());
    }
  }

  private void streams(List<StreamView> streams) {
    List<Row<?>> events = new ArrayList<>();
    List<Row<?>> seconds = new ArrayList<>();
    Map<Tags, Double> rows = new HashMap<>();
    Map<Tags, Double> batches = new HashMap<>();
    Map<Tags, Double> batchSeconds = new HashMap<>();
    for (StreamView stream : streams) {
      Tags tags = Tags.of("configuration", stream.name());
      events.add(Row.of(tags, stream.lagEvents()));
      seconds.add(Row.of(tags, stream.lagSeconds()));
      batches.put(tags, (double) stream.progress().batches());
      batchSeconds.put(tags, stream.progress().batchSeconds());
      RowCounts counts = stream.progress().rows();
      rows.put(tags.and("operation", "insert"), (double) counts.inserted());
      rows.put(tags.and("operation", "update"), (double) counts.updated());
      rows.put(tags.and("operation", "delete"), (double) counts.deleted());
      rows.put(tags.and("operation", "park"), (double) counts.parked());
    }
    applyLagEvents.register(events, true);
    applyLagSeconds.register(seconds, true);
    applyRows.follow(rows);
    applyBatches.follow(batches);
    applyBatchSeconds.follow(batchSeconds);
  }

  private void attention(Attention attention) {
    List<Row<?>> pending = new ArrayList<>();
    List<Row<?>> unequal = new ArrayList<>();
    List<Row<?>> age = new ArrayList<>();
    attention
        .conflictsPending()
        .forEach((name, count) -> pending.add(Row.of(Tags.of("configuration", name), count)));
    attention
        .verified()
        .forEach(
            (name, verified) -> {
              Tags tags = Tags.of("configuration", name);
              unequal.add(Row.of(tags, verified.unequal()));
              age.add(Row.of(tags, Duration.between(verified.upTo(), clock.instant()).toSeconds()));
            });
    conflictsPending.register(pending, true);
    verifyUnequal.register(unequal, true);
    verifyAge.register(age, true);
  }

  private void captures(List<CaptureView> captures) {
    List<Row<?>> bytes = new ArrayList<>();
    List<Row<?>> seconds = new ArrayList<>();
    List<Row<?>> retained = new ArrayList<>();
    Map<Tags, Double> changes = new HashMap<>();
    for (CaptureView capture : captures) {
      Tags tags = Tags.of("connection", capture.connection());
      capture.lagBytes().ifPresent(value -> bytes.add(Row.of(tags, value)));
      capture.lagSeconds().ifPresent(value -> seconds.add(Row.of(tags, value)));
      capture.retainedWalBytes().ifPresent(value -> retained.add(Row.of(tags, value)));
      changes.put(tags, (double) capture.changesWritten());
    }
    captureLagBytes.register(bytes, true);
    captureLagSeconds.register(seconds, true);
    captureRetainedWal.register(retained, true);
    captureChanges.follow(changes);
  }
}
