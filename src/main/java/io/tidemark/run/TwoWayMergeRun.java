package io.tidemark.run;

import io.tidemark.apply.KafkaApplyLoop;
import io.tidemark.apply.KafkaCatchUp;
import io.tidemark.apply.PositionBasis;
import io.tidemark.change.OperatingFailure;
import io.tidemark.change.RowKey;
import io.tidemark.change.WireName;
import io.tidemark.conflict.ConflictLog;
import io.tidemark.conflict.ConflictPolicy;
import io.tidemark.conflict.ConflictResolution;
import io.tidemark.conflict.Detected;
import io.tidemark.conflict.Later;
import io.tidemark.copy.Cancellation;
import io.tidemark.copy.CopyProgress;
import io.tidemark.copy.MergeHooks;
import io.tidemark.copy.MergeOutcome;
import io.tidemark.copy.MergeRequest;
import io.tidemark.copy.TableMerge;
import io.tidemark.copy.TargetPreparation;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.postgres.PgSession;
import io.tidemark.run.TwoWayMergeJoin.Way;
import io.tidemark.sync.SyncConfiguration;
import io.tidemark.sync.SyncDefinition;
import io.tidemark.sync.TableMapping;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * Brings two tables in step that are kept so in both directions: a merge there, which also decides
 * where both have a row, and a merge back, which brings the source what only the target has.
 *
 * <p>INVARIANT: the positions from which the changes of both sides are read are noted before either
 * table is looked at. So whatever is written meanwhile is heard of afterwards; that it is heard of
 * again, if the merges have seen it, does no harm, because rows are compared and not replayed.
 */
final class TwoWayMergeRun {
  private static final String NOW_MICROS =
      "select (extract(epoch from clock_timestamp()) * 1000000)::int8";

  private final Rooms rooms;
  private final SyncConfiguration configuration;
  private final UUID execution;
  private final Optional<KafkaApplyLoop> running;
  private final Cancellation cancellation = new Cancellation();
  private final Cancellation cancellationBack = new Cancellation();
  private final CopyProgress there = new CopyProgress(System::nanoTime);
  private final CopyProgress back = new CopyProgress(System::nanoTime);
  private final Queue<TopicWait> waits = new ConcurrentLinkedQueue<>();
  private volatile boolean cancelled;
  private volatile boolean isBack;

  /** What the positions in the topic there, and in the topic back, depend on. */
  private List<PositionBasis> bases = List.of();

  /**
   * @param running the configuration's stream in this process, if there is one
   */
  TwoWayMergeRun(
      Rooms rooms,
      SyncConfiguration configuration,
      UUID execution,
      Optional<KafkaApplyLoop> running) {
    this.rooms = rooms;
    this.configuration = configuration;
    this.execution = execution;
    this.running = running;
  }

  /** Ends it; what the merge there has committed stays, and the next one goes on from it. */
  void cancel() {
    cancelled = true;
    cancellation.cancel();
    cancellationBack.cancel();
    waits.forEach(TopicWait::cancel);
  }

  /** Each way is half of it. */
  ExecutionProgress progress() {
    CopyProgress.View view = (isBack ? back : there).view();
    double percent = view.percent() / 2.0 + (isBack ? 50 : 0);
    return new ExecutionProgress(
        WireName.of(view.phase()), percent, (double) view.rowsPerSecond(), null);
  }

  /** What was read so far; the rest is known at the end. */
  ExecutionCounts counts() {
    CopyProgress.View one = there.view();
    CopyProgress.View other = back.view();
    return new ExecutionCounts(
        one.rows() + other.rows(), 0, 0, 0, 0, 0, 0, 0, 0, one.bytes() + other.bytes());
  }

  /** Merges in the calling thread. */
  MergeOutcome run() {
    SyncDefinition definition = configuration.definition();
    bases = List.of(rooms.track(configuration), rooms.trackBack(configuration));
    new AppliedPositions(rooms).areNone(configuration);
    List<String> topics = List.of(rooms.topic(definition), rooms.topicBack(definition));
    try (TwoWayFence fence =
        new TwoWayFence(rooms.target(definition), configuration.id(), topics)) {
      return fence.isFirst() || running.isPresent()
          ? merge(fence)
          : BesideLoop.run(rooms, configuration, () -> merge(fence));
    }
  }

  private MergeOutcome merge(TwoWayFence fence) {
    SyncDefinition definition = configuration.definition();
    try (KafkaCatchUp ofSource = new KafkaCatchUp(rooms.task(configuration), rooms.kafka());
        KafkaCatchUp ofTarget = new KafkaCatchUp(rooms.taskBack(configuration), rooms.kafka())) {
      return merge(
          fence,
          way(
              rooms.topic(definition),
              ofSource,
              rooms.source(definition),
              OperatingFailure.Kind.SOURCE),
          way(
              rooms.topicBack(definition),
              ofTarget,
              rooms.target(definition),
              OperatingFailure.Kind.TARGET));
    }
  }

  private Way way(String topic, KafkaCatchUp changes, PgDatabase side, OperatingFailure.Kind kind) {
    TopicWait wait = new TopicWait(rooms.tracker(), side, changes);
    waits.add(wait);
    if (cancelled) {
      wait.cancel();
    }
    long now;
    try (PgSession session = PgSession.open(side, kind, "merge", "time")) {
      now = session.number(NOW_MICROS);
    }
    return new Way(
        topic,
        changes,
        wait,
        changes.starts().values().stream().map(start -> start.seen(now)).toList());
  }

  private MergeOutcome merge(TwoWayFence fence, Way ofSource, Way ofTarget) {
    SyncDefinition definition = configuration.definition();
    Acceptance.Accepted accepted = rooms.accepted(configuration);
    TableMapping mapping = accepted.mapping();
    ConflictPolicy policy = rooms.policy(configuration, accepted);
    ConflictLog log = rooms.conflictLog(configuration);
    TargetPreparation preparation = rooms.preparation(configuration, policy);
    PgDatabase source = rooms.source(definition);
    PgDatabase target = rooms.target(definition);
    MergeOutcome first =
        new TableMerge(source, target, rooms.copy())
            .run(
                new MergeRequest(
                    configuration.id(), execution, mapping, policy, rooms.topic(definition)),
                new MergeHooks(
                    new TwoWayMergeJoin(ofSource, ofTarget, fence, mapping), preparation, log),
                there,
                cancellation);
    fence.letGo();
    if (!(first instanceof MergeOutcome.Completed merged)) {
      return first;
    }
    isBack = true;
    TableMapping reversed = mapping.reversed();
    MergeOutcome second =
        new TableMerge(target, source, rooms.copy())
            .run(
                new MergeRequest(
                    configuration.id(),
                    execution,
                    reversed,
                    back(policy, mapping),
                    rooms.topicBack(definition)),
                new MergeHooks(
                    new TwoWayMergeJoin(ofTarget, ofSource, fence, reversed),
                    preparation,
                    new Decided(log)),
                back,
                cancellationBack);
    fence.letGo();
    if (!(second instanceof MergeOutcome.Completed returned)) {
      return second;
    }
    if (fence.isFirst()) {
      startFrom(List.of(ofSource, ofTarget));
    }
    return new MergeOutcome.Completed(
        merged.rowsRead() + returned.rowsRead(),
        merged.rowsInserted() + returned.rowsInserted(),
        merged.rowsUpdated() + returned.rowsUpdated(),
        merged.rowsDeleted() + returned.rowsDeleted(),
        merged.rowsUnchanged(),
        merged.rowsSkipped(),
        merged.conflictsDetected(),
        merged.conflictsResolved(),
        merged.bytes() + returned.bytes(),
        merged.snapshot());
  }

  /** The same winner, seen from the other side. */
  private static ConflictPolicy back(ConflictPolicy policy, TableMapping mapping) {
    String timestamp =
        policy
            .timestamp()
            .flatMap(
                name ->
                    mapping.columns().stream()
                        .filter(pair -> pair.target().name().equals(name))
                        .findFirst())
            .map(pair -> pair.source().name())
            .orElse(null);
    ConflictResolution strategy =
        switch (policy.strategy()) {
          case SOURCE_WINS -> ConflictResolution.TARGET_WINS;
          case TARGET_WINS -> ConflictResolution.SOURCE_WINS;
          case TIMESTAMP, MANUAL -> policy.strategy();
        };
    return new ConflictPolicy(strategy, policy.detection(), timestamp, policy.combinesColumns());
  }

  private void startFrom(List<Way> ways) {
    AppliedPositions positions = new AppliedPositions(rooms);
    for (int i = 0; i < ways.size(); i++) {
      positions.set(configuration, ways.get(i).start(), bases.get(i));
    }
  }

  /**
   * The log of the merge back. What differs then was decided by the merge there, or changed since
   * and is heard of by the stream: neither is another conflict.
   */
  private record Decided(ConflictLog log) implements ConflictLog {
    @Override
    public void record(List<Detected> conflicts) {
      // The merge there has all of them on record.
    }

    @Override
    public Set<RowKey> waiting() {
      return log.waiting();
    }

    @Override
    public Set<RowKey> join(List<Later> changes) {
      return Set.of();
    }
  }
}
