package io.tidemark.run;

import io.tidemark.apply.AppliedPosition;
import io.tidemark.apply.ApplyTask;
import io.tidemark.apply.KafkaCatchUp;
import io.tidemark.apply.PgPositions;
import io.tidemark.apply.PositionBasis;
import io.tidemark.change.OperatingFailure;
import io.tidemark.copy.MergeJoin.ChangedKeys;
import io.tidemark.copy.StreamJoin;
import io.tidemark.copy.VerifyJoin;
import io.tidemark.postgres.PgSession;
import io.tidemark.postgres.SourceSnapshot;
import io.tidemark.sync.TableMapping;
import java.util.Map;
import java.util.Optional;

/**
 * A comparison beside an apply loop, in one direction.
 *
 * <p>INVARIANT: rows and position of the target are one transaction, so that whoever reads both
 * under one snapshot knows which changes the rows have: those before the position.
 */
final class StreamVerify implements VerifyJoin {
  private final ApplyTask task;
  private final TableMapping mapping;
  private final KafkaCatchUp topic;
  private final TopicWait wait;
  private Map<Integer, AppliedPosition> from = Map.of();
  private Map<Integer, AppliedPosition> snapshotEnds = Map.of();
  private Map<Integer, AppliedPosition> standing = Map.of();

  StreamVerify(ApplyTask task, TableMapping mapping, KafkaCatchUp topic, TopicWait wait) {
    this.task = task;
    this.mapping = mapping;
    this.topic = topic;
    this.wait = wait;
  }

  @Override
  public void beforeSnapshot() {
    from = topic.starts();
  }

  @Override
  public void awaitSeen(SourceSnapshot snapshot) {
    snapshotEnds = wait.untilApplied(snapshot, task);
  }

  @Override
  public void readsTarget(PgSession target) {
    Map<Integer, AppliedPosition> now =
        TopicWait.byPartition(new PgPositions(target, task.configuration()).find(task.topic()));
    if (!TopicWait.reached(snapshotEnds, now.values())) {
      throw new OperatingFailure(
          OperatingFailure.Kind.TARGET,
          "position_moved",
          "the target's position was set back while the rows were compared",
          "execute it again",
          null);
    }
    standing = now;
  }

  @Override
  public void underWay(SourceSnapshot snapshot, ChangedKeys keys) {
    topic.keys(
        mapping,
        from,
        standing,
        change -> snapshot.sees(change.transaction()),
        TopicKeys.into(keys));
  }

  /**
   * As a full copy brings its stage forward; it sets no position. It is not closed: the topic's
   * reader is ours.
   */
  @Override
  public Optional<StreamJoin> settling() {
    PositionBasis none = new PositionBasis("", mapping.target().name());
    return Optional.of(new StreamResync(task, mapping, none, topic, wait));
  }

  @Override
  public void awaitFlow() {
    throw new IllegalStateException("changes flow one way: rows are compared at one position");
  }
}
