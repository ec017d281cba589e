package io.tidemark.run;

import io.tidemark.apply.ApplyTask;
import io.tidemark.apply.KafkaApplyLoop;
import io.tidemark.apply.KafkaCatchUp;
import io.tidemark.change.OperatingFailure;
import io.tidemark.change.WireName;
import io.tidemark.copy.Cancellation;
import io.tidemark.copy.CopyProgress;
import io.tidemark.copy.TableVerify;
import io.tidemark.copy.Verification;
import io.tidemark.copy.VerifyJoin;
import io.tidemark.copy.VerifyRequest;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.sync.SyncConfiguration;
import io.tidemark.sync.SyncDefinition;
import io.tidemark.sync.TableMapping;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Supplier;

/**
 * One comparison of one configuration's tables. Beside a stream it compares what the target has
 * applied with what the source had then; where no loop runs in this process, one runs for as long
 * as the comparison.
 */
final class VerifyRun {
  private final Rooms rooms;
  private final SyncConfiguration configuration;
  private final UUID execution;
  private final Optional<KafkaApplyLoop> running;
  private final Cancellation cancellation = new Cancellation();
  private final CopyProgress progress = new CopyProgress(System::nanoTime);
  private final List<TopicWait> waits = new CopyOnWriteArrayList<>();
  private volatile boolean cancelled;

  /**
   * @param running the configuration's stream in this process, if there is one
   */
  VerifyRun(
      Rooms rooms,
      SyncConfiguration configuration,
      UUID execution,
      Optional<KafkaApplyLoop> running) {
    this.rooms = rooms;
    this.configuration = configuration;
    this.execution = execution;
    this.running = running;
  }

  void cancel() {
    cancelled = true;
    cancellation.cancel();
    waits.forEach(TopicWait::cancel);
  }

  ExecutionProgress progress() {
    CopyProgress.View view = progress.view();
    return new ExecutionProgress(WireName.of(view.phase()), (double) view.percent(), null, null);
  }

  ExecutionCounts counts() {
    return new ExecutionCounts(progress.view().rows(), 0, 0, 0, 0, 0, 0, 0, 0, 0);
  }

  /** Compares in the calling thread; empty if cancelled. */
  Optional<VerificationResult> run() {
    SyncDefinition definition = configuration.definition();
    TableMapping mapping = rooms.mapping(definition);
    if (!definition.needsCapture() || !isInSync()) {
      return compare(mapping, VerifyJoin.none());
    }
    Supplier<Optional<VerificationResult>> work =
        definition.bidirectional() ? () -> bothWays(mapping) : () -> oneWay(mapping);
    return running.isPresent() ? work.get() : BesideLoop.run(rooms, configuration, work);
  }

  /** A target that was never in sync, or that only a copy gets going, has no changes under way. */
  private boolean isInSync() {
    Assessment assessment = Assumptions.now(rooms, configuration);
    return assessment instanceof Assessment.Sound
        || assessment instanceof Assessment.Broken broken && !broken.needsCopy();
  }

  private Optional<VerificationResult> oneWay(TableMapping mapping) {
    PgDatabase source = rooms.source(configuration.definition());
    ApplyTask task = rooms.task(configuration);
    try (KafkaCatchUp topic = new KafkaCatchUp(task, rooms.kafka(), rooms.ports(configuration))) {
      TopicWait wait = waiting(source, topic);
      return compare(mapping, new StreamVerify(task, mapping, topic, wait));
    }
  }

  private Optional<VerificationResult> bothWays(TableMapping mapping) {
    SyncDefinition definition = configuration.definition();
    PgDatabase source = rooms.source(definition);
    PgDatabase target = rooms.target(definition);
    try (KafkaCatchUp there = new KafkaCatchUp(rooms.task(configuration), rooms.kafka());
        KafkaCatchUp back = new KafkaCatchUp(rooms.taskBack(configuration), rooms.kafka())) {
      return compare(
          mapping,
          new TwoWayVerify(
              configuration,
              target,
              List.of(
                  new TwoWayVerify.Way(
                      rooms.topic(definition),
                      source,
                      OperatingFailure.Kind.SOURCE,
                      waiting(source, there)),
                  new TwoWayVerify.Way(
                      rooms.topicBack(definition),
                      target,
                      OperatingFailure.Kind.TARGET,
                      waiting(target, back)))));
    }
  }

  private TopicWait waiting(PgDatabase side, KafkaCatchUp topic) {
    TopicWait wait = new TopicWait(rooms.tracker(), side, topic);
    waits.add(wait);
    if (cancelled) {
      wait.cancel();
    }
    return wait;
  }

  private Optional<VerificationResult> compare(TableMapping mapping, VerifyJoin join) {
    SyncDefinition definition = configuration.definition();
    VerifyRequest request =
        new VerifyRequest(execution, mapping, rooms.conflictLog(configuration)::waiting);
    Optional<Verification> found =
        new TableVerify(rooms.source(definition), rooms.target(definition), rooms.copy())
            .run(request, join, progress, cancellation);
    return found.map(one -> VerificationResult.of(definition, one));
  }
}
