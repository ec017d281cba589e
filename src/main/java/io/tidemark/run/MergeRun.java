package io.tidemark.run;

import io.tidemark.apply.ApplyTask;
import io.tidemark.apply.KafkaApplyLoop;
import io.tidemark.apply.KafkaCatchUp;
import io.tidemark.apply.PositionBasis;
import io.tidemark.change.WireName;
import io.tidemark.conflict.ConflictPolicy;
import io.tidemark.copy.Cancellation;
import io.tidemark.copy.CopyProgress;
import io.tidemark.copy.MergeHooks;
import io.tidemark.copy.MergeJoin;
import io.tidemark.copy.MergeOutcome;
import io.tidemark.copy.MergeRequest;
import io.tidemark.copy.TableMerge;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.sync.SyncConfiguration;
import io.tidemark.sync.SyncDefinition;
import io.tidemark.sync.TableMapping;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * One merge of one configuration. With no stream, it compares with a snapshot; as the first step of
 * a stream, it also sets the position from which the stream goes on; beside a stream, it leaves to
 * the loop what the loop has done. Where the configuration has a position but no loop runs in this
 * process, one runs for as long as the merge.
 */
final class MergeRun {
  private final Rooms rooms;
  private final SyncConfiguration configuration;
  private final UUID execution;
  private final Optional<KafkaApplyLoop> running;
  private final Cancellation cancellation = new Cancellation();
  private final CopyProgress progress = new CopyProgress(System::nanoTime);
  private volatile @Nullable TopicWait wait;
  private volatile boolean cancelled;

  /**
   * @param running the configuration's stream in this process, if there is one
   */
  MergeRun(
      Rooms rooms,
      SyncConfiguration configuration,
      UUID execution,
      Optional<KafkaApplyLoop> running) {
    this.rooms = rooms;
    this.configuration = configuration;
    this.execution = execution;
    this.running = running;
  }

  /** Ends it without effect, unless it is too late for that. */
  void cancel() {
    cancelled = true;
    cancellation.cancel();
    TopicWait waiting = wait;
    if (waiting != null) {
      waiting.cancel();
    }
  }

  ExecutionProgress progress() {
    CopyProgress.View view = progress.view();
    return new ExecutionProgress(
        WireName.of(view.phase()),
        (double) view.percent(),
        (double) view.rowsPerSecond(),
        view.etaSeconds().isPresent() ? view.etaSeconds().getAsLong() : null);
  }

  /** What was read so far; the rest is known at the end. */
  ExecutionCounts counts() {
    CopyProgress.View view = progress.view();
    return new ExecutionCounts(view.rows(), 0, 0, 0, 0, 0, 0, 0, 0, view.bytes());
  }

  /** Merges in the calling thread. */
  MergeOutcome run() {
    SyncDefinition definition = configuration.definition();
    Acceptance.Accepted accepted = rooms.accepted(configuration);
    TableMapping mapping = accepted.mapping();
    if (!definition.needsCapture()) {
      return merge(accepted, "", MergeJoin.none());
    }
    PositionBasis basis = rooms.track(configuration);
    ApplyTask task = rooms.task(configuration);
    boolean first = new AppliedPositions(rooms).areNone(configuration);
    try (KafkaCatchUp topic = new KafkaCatchUp(task, rooms.kafka(), rooms.ports(configuration))) {
      TopicWait waiting = new TopicWait(rooms.tracker(), rooms.source(definition), topic);
      wait = waiting;
      if (cancelled) {
        waiting.cancel();
      }
      if (first) {
        MergeOutcome begun =
            merge(
                accepted, task.topic(), new StreamMergeStart(task, mapping, basis, topic, waiting));
        if (begun instanceof MergeOutcome.Completed) {
          rooms.mappings().copied(configuration, mapping);
        }
        return begun;
      }
      MergeJoin beside = new StreamMergeBeside(task, mapping, topic, waiting);
      return running.isPresent()
          ? merge(accepted, task.topic(), beside)
          : BesideLoop.run(rooms, configuration, () -> merge(accepted, task.topic(), beside));
    }
  }

  private MergeOutcome merge(Acceptance.Accepted accepted, String topic, MergeJoin join) {
    SyncDefinition definition = configuration.definition();
    PgDatabase source = rooms.source(definition);
    PgDatabase target = rooms.target(definition);
    ConflictPolicy policy = rooms.policy(configuration, accepted);
    return new TableMerge(source, target, rooms.copy())
        .run(
            new MergeRequest(configuration.id(), execution, accepted.mapping(), policy, topic),
            new MergeHooks(
                join, rooms.preparation(configuration, policy), rooms.conflictLog(configuration)),
            progress,
            cancellation);
  }
}
