package io.tidemark.run;

import io.tidemark.apply.AppliedPosition;
import io.tidemark.apply.ApplyTask;
import io.tidemark.apply.KafkaCatchUp;
import io.tidemark.apply.PgPositions;
import io.tidemark.change.OperatingFailure;
import io.tidemark.change.RowKey;
import io.tidemark.change.TableName;
import io.tidemark.copy.KeyRows;
import io.tidemark.copy.MergeJoin;
import io.tidemark.postgres.PgSession;
import io.tidemark.postgres.PgSession.Begin;
import io.tidemark.postgres.SourceSnapshot;
import io.tidemark.postgres.Sql;
import io.tidemark.sync.TableMapping;
import java.util.Collection;
import java.util.List;
import java.util.Map;

/**
 * A merge beside its configuration's apply loop. The loop has applied everything that the snapshot
 * sees before anything is compared; what it has applied beyond that concerns keys that the merge
 * then leaves alone.
 *
 * <p>INVARIANT: under the fence the target stands at a position p, not before the topic's end once
 * all that the snapshot sees was in it. A key that stays in the stage was changed by no transaction
 * between the snapshot and p, so its row in the stage is the source's row at p.
 */
final class StreamMergeBeside implements MergeJoin {
  private final ApplyTask task;
  private final TableMapping mapping;
  private final KafkaCatchUp topic;
  private final TopicWait wait;
  private final KeyRows keyRows;
  private Map<Integer, AppliedPosition> removed = Map.of();
  private Map<Integer, AppliedPosition> snapshotEnds = Map.of();
  private Map<Integer, AppliedPosition> fenced = Map.of();

  StreamMergeBeside(ApplyTask task, TableMapping mapping, KafkaCatchUp topic, TopicWait wait) {
    this.task = task;
    this.mapping = mapping;
    this.topic = topic;
    this.wait = wait;
    keyRows = new KeyRows(mapping);
  }

  @Override
  public void beforeSnapshot() {
    removed = topic.starts();
  }

  @Override
  public boolean isStreaming() {
    return true;
  }

  /** The load of an empty target would apply changes that the loop has applied. */
  @Override
  public boolean allowsLoad() {
    return false;
  }

  @Override
  public void awaitSeen(SourceSnapshot snapshot) {
    snapshotEnds = wait.untilApplied(snapshot, task);
  }

  /** The loop applies them. */
  @Override
  public void changesToApply(SourceSnapshot snapshot, ChangedKeys keys) {}

  /** Not beyond where the loop stands: of later changes it has not applied any yet. */
  @Override
  public long catchUpAhead(PgSession session, TableName stage, SourceSnapshot snapshot) {
    Collection<AppliedPosition> standing =
        new PgPositions(session, task.configuration()).find(task.topic());
    session.begin(Begin.READ_COMMITTED);
    session.execute("set local plan_cache_mode = force_generic_plan");
    KafkaCatchUp.Stretch stretch =
        remove(session, stage, snapshot, TopicWait.byPartition(standing));
    session.commit();
    removed = stretch.reached();
    return stretch.changes();
  }

  @Override
  public void fence(PgSession session) {
    fenced =
        TopicWait.byPartition(new PgPositions(session, task.configuration()).lock(task.topic()));
    if (!TopicWait.reached(snapshotEnds, fenced.values())) {
      throw new OperatingFailure(
          OperatingFailure.Kind.TARGET,
          "position_moved",
          "the target's position was set back while the merge ran",
          "execute it again",
          null);
    }
  }

  @Override
  public long catchUp(PgSession session, TableName table, SourceSnapshot snapshot) {
    return remove(session, table, snapshot, fenced).changes();
  }

  /**
   * The position stays, but the loop must read it anew, and with it which keys wait for a person:
   * it may hold a change of a key that waits only since this merge.
   */
  @Override
  public void commitPosition(PgSession session, SourceSnapshot snapshot) {
    new PgPositions(session, task.configuration()).renew(task.topic());
  }

  private KafkaCatchUp.Stretch remove(
      PgSession session,
      TableName stage,
      SourceSnapshot snapshot,
      Map<Integer, AppliedPosition> until) {
    return topic.keys(
        mapping,
        removed,
        until,
        change -> snapshot.sees(change.transaction()),
        new KafkaCatchUp.Keys() {
          @Override
          public void changed(List<RowKey> keys) {
            keyRows.remove(session, stage, keys);
          }

          @Override
          public void truncated() {
            session.execute("delete from " + Sql.name(stage));
          }
        });
  }
}
