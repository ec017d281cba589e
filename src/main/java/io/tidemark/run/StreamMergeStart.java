package io.tidemark.run;

import io.tidemark.apply.AppliedPosition;
import io.tidemark.apply.ApplyTask;
import io.tidemark.apply.KafkaCatchUp;
import io.tidemark.apply.KafkaCatchUp.Commit;
import io.tidemark.apply.KafkaCatchUp.Stretch;
import io.tidemark.apply.PgPositions;
import io.tidemark.apply.PositionBasis;
import io.tidemark.change.TableName;
import io.tidemark.copy.MergeJoin;
import io.tidemark.postgres.PgSession;
import io.tidemark.postgres.SourceSnapshot;
import io.tidemark.sync.TableMapping;
import java.util.Map;

/**
 * A merge with which a configuration's stream begins: no loop has applied anything yet. The merge
 * brings its stage to where the topic ended when everything that the snapshot sees was in it, and
 * there the stream goes on.
 *
 * <p>INVARIANT: no change that the snapshot sees comes after that position, so that none is applied
 * a second time, over a row that the merge has kept.
 */
final class StreamMergeStart implements MergeJoin {
  private final ApplyTask task;
  private final TableMapping mapping;
  private final PositionBasis basis;
  private final KafkaCatchUp topic;
  private final TopicWait wait;
  private Map<Integer, AppliedPosition> from = Map.of();
  private Map<Integer, AppliedPosition> until = Map.of();
  private Map<Integer, AppliedPosition> reached = Map.of();

  StreamMergeStart(
      ApplyTask task,
      TableMapping mapping,
      PositionBasis basis,
      KafkaCatchUp topic,
      TopicWait wait) {
    this.task = task;
    this.mapping = mapping;
    this.basis = basis;
    this.topic = topic;
    this.wait = wait;
  }

  @Override
  public void beforeSnapshot() {
    from = topic.starts();
  }

  @Override
  public boolean isStreaming() {
    return true;
  }

  @Override
  public boolean allowsLoad() {
    return true;
  }

  @Override
  public void awaitSeen(SourceSnapshot snapshot) {
    if (until.isEmpty()) {
      until = wait.untilWritten(snapshot);
    }
  }

  @Override
  public void changesToApply(SourceSnapshot snapshot, ChangedKeys keys) {
    topic.keys(
        mapping, from, until, change -> snapshot.sees(change.transaction()), TopicKeys.into(keys));
  }

  @Override
  public long catchUpAhead(PgSession session, TableName stage, SourceSnapshot snapshot) {
    return apply(session, stage, snapshot, Commit.PER_BATCH);
  }

  @Override
  public void fence(PgSession session) {
    // No loop runs without a position, and no other execution of this configuration beside this.
  }

  /** What a stage has had ahead is not repeated: it was committed. */
  @Override
  public long catchUp(PgSession session, TableName table, SourceSnapshot snapshot) {
    if (!reached.isEmpty()) {
      return 0;
    }
    awaitSeen(snapshot);
    return apply(session, table, snapshot, Commit.BY_CALLER);
  }

  private long apply(PgSession session, TableName table, SourceSnapshot snapshot, Commit commit) {
    Stretch stretch =
        topic.apply(
            session,
            mapping.onto(table),
            from,
            until,
            change -> snapshot.sees(change.transaction()),
            commit);
    reached = stretch.reached();
    return stretch.changes();
  }

  @Override
  public void commitPosition(PgSession session, SourceSnapshot snapshot) {
    PgPositions positions = new PgPositions(session, task.configuration());
    reached.values().forEach(position -> positions.set(position, basis));
  }
}
