package io.tidemark.run;

import io.tidemark.apply.AppliedPosition;
import io.tidemark.apply.ApplyTask;
import io.tidemark.apply.KafkaCatchUp;
import io.tidemark.apply.KafkaCatchUp.Commit;
import io.tidemark.apply.KafkaCatchUp.Stretch;
import io.tidemark.apply.PgPositions;
import io.tidemark.apply.PositionBasis;
import io.tidemark.change.TableName;
import io.tidemark.copy.StreamJoin;
import io.tidemark.postgres.PgSession;
import io.tidemark.postgres.SourceSnapshot;
import io.tidemark.sync.TableMapping;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;

/**
 * Where a copy meets its configuration's stream. The copied table is brought forward, not the
 * target back: what the apply loop has already written is in the copy too before it goes live.
 *
 * <p>INVARIANT: the copy is caught up at least to where the topic ended once everything that the
 * snapshot sees was in it. So no change that the snapshot sees is left for the loop to apply again.
 */
final class StreamResync implements StreamJoin, AutoCloseable {
  private final ApplyTask task;
  private final TableMapping mapping;
  private final PositionBasis basis;
  private final KafkaCatchUp catchUp;
  private final TopicWait wait;
  private Map<Integer, AppliedPosition> reachedAhead = Map.of();
  private Map<Integer, AppliedPosition> reached = Map.of();
  private Map<Integer, AppliedPosition> fenced = Map.of();
  private Map<Integer, AppliedPosition> snapshotEnds = Map.of();
  private long snapshotLsn;

  StreamResync(
      ApplyTask task,
      TableMapping mapping,
      PositionBasis basis,
      KafkaCatchUp catchUp,
      TopicWait wait) {
    this.task = task;
    this.mapping = mapping;
    this.basis = basis;
    this.catchUp = catchUp;
    this.wait = wait;
  }

  @Override
  public void beforeSnapshot() {
    reachedAhead = catchUp.starts();
  }

  @Override
  public boolean isStreaming() {
    return true;
  }

  @Override
  public long catchUpAhead(PgSession session, TableName stage, SourceSnapshot snapshot) {
    awaitSnapshotInTopic(snapshot);
    Stretch stretch = apply(session, stage, snapshot, catchUp.ends(), Commit.PER_BATCH);
    reachedAhead = stretch.reached();
    return stretch.changes();
  }

  @Override
  public void fence(PgSession session) {
    Map<Integer, AppliedPosition> positions = new HashMap<>();
    new PgPositions(session, task.configuration())
        .lock(task.topic()).stream()
            // A position in a topic that is no more fences, but says nothing of where to stop.
            .filter(position -> position.isIn(catchUp.topicId()))
            .forEach(position -> positions.put(position.partition(), position));
    fenced = positions;
  }

  @Override
  public long catchUp(PgSession session, TableName table, SourceSnapshot snapshot) {
    awaitSnapshotInTopic(snapshot);
    Map<Integer, AppliedPosition> until = new HashMap<>(snapshotEnds);
    fenced.forEach((partition, position) -> until.merge(partition, position, StreamResync::later));
    Stretch stretch = apply(session, table, snapshot, until, Commit.BY_CALLER);
    reached = stretch.reached();
    return stretch.changes();
  }

  private static AppliedPosition later(AppliedPosition one, AppliedPosition other) {
    return one.nextOffset() >= other.nextOffset() ? one : other;
  }

  @Override
  public void commitPosition(PgSession session, SourceSnapshot snapshot) {
    // INVARIANT: asked last. A capture that was made anew since the snapshot left a gap in the
    // topic,
    // and a position beyond it would hide that.
    wait.requireNoGapSince(snapshot);
    PgPositions positions = new PgPositions(session, task.configuration());
    reached.values().forEach(position -> positions.set(position, basis));
    positions.forgetKept();
    snapshotLsn = snapshot.lsn();
  }

  /** Where the target stands with the copy; empty until it is caught up. */
  Collection<AppliedPosition> reached() {
    return reached.values();
  }

  /** Every change that was committed before this place of the source's log is in the copy. */
  long copiedLsn() {
    long behind =
        reached.values().stream()
            .mapToLong(position -> position.source().commitLsn())
            .min()
            .orElse(0);
    return Math.max(behind, snapshotLsn);
  }

  private Stretch apply(
      PgSession session,
      TableName table,
      SourceSnapshot snapshot,
      Map<Integer, AppliedPosition> until,
      Commit commit) {
    return catchUp.apply(
        session,
        mapping.onto(table),
        reachedAhead,
        until,
        change -> snapshot.sees(change.transaction()),
        commit);
  }

  private void awaitSnapshotInTopic(SourceSnapshot snapshot) {
    if (snapshotEnds.isEmpty()) {
      snapshotEnds = wait.untilWritten(snapshot);
    }
  }

  @Override
  public void close() {
    catchUp.close();
  }
}
