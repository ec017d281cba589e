package io.tidemark.run;

import io.tidemark.apply.AppliedPosition;
import io.tidemark.apply.KafkaCatchUp;
import io.tidemark.change.ChangeSource;
import io.tidemark.change.RowKey;
import io.tidemark.change.TableName;
import io.tidemark.copy.KeyRows;
import io.tidemark.copy.MergeJoin;
import io.tidemark.postgres.PgSession;
import io.tidemark.postgres.PgSession.Begin;
import io.tidemark.postgres.SourceSnapshot;
import io.tidemark.postgres.Sql;
import io.tidemark.sync.TableMapping;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/**
 * One of the two merges of a configuration whose changes flow both ways: from one side's snapshot
 * into the other side. Keys that are touched meanwhile are left to the loop, which looks at both
 * rows as they are.
 *
 * <p>INVARIANT: under the fence the loop stands still, and the side that is written is locked. A
 * key that stays in the stage is then, on the side that was read, as the snapshot saw it, but for
 * changes that the loop has yet to hear of; and on the side that is written nobody has touched it
 * since the loop was last in step with the snapshot. So nothing is undone that users or the loop
 * wrote or deleted meanwhile.
 */
final class TwoWayMergeJoin implements MergeJoin {
  private static final String LSN = "select (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::int8";

  /** A capture that is behind is waited for so long before anything is locked. */
  private static final Duration BEHIND_MAX = Duration.ofMinutes(30);

  /** The users of the side that is written wait so long at most; then the merge fails. */
  private static final Duration LOCKED_MAX = Duration.ofSeconds(20);

  private final Way read;
  private final Way written;
  private final TwoWayFence fence;
  private final TableMapping mapping;
  private final KeyRows keyRows;
  private Map<Integer, AppliedPosition> readFrom = Map.of();
  private Map<Integer, AppliedPosition> writtenFrom = Map.of();
  private Predicate<ChangeSource> isBefore = change -> false;

  /**
   * One side.
   *
   * @param start where in the topic the run began, with that side's time then
   */
  record Way(String topic, KafkaCatchUp changes, TopicWait capture, List<AppliedPosition> start) {}

  /**
   * @param mapping from the side that is read to the side that is written
   */
  TwoWayMergeJoin(Way read, Way written, TwoWayFence fence, TableMapping mapping) {
    this.read = read;
    this.written = written;
    this.fence = fence;
    this.mapping = mapping;
    keyRows = new KeyRows(mapping);
  }

  @Override
  public void beforeSnapshot() {
    readFrom = read.changes().starts();
    if (fence.isFirst()) {
      // What was deleted before the first merge began is a row that only the other side has.
      long began = written.start().get(0).committedMicros();
      writtenFrom = byPartition(written.start());
      isBefore = change -> change.committedMicros() < began;
    } else {
      writtenFrom = byPartition(fence.find(written.topic()));
    }
  }

  @Override
  public boolean isStreaming() {
    return true;
  }

  @Override
  public boolean allowsLoad() {
    return fence.isFirst();
  }

  /** A row that is merely on its way is no difference. */
  @Override
  public void awaitSeen(SourceSnapshot snapshot) {
    if (!fence.isFirst()) {
      Map<Integer, AppliedPosition> ends = read.capture().untilWritten(snapshot);
      read.capture().untilApplied(ends, () -> fence.find(read.topic()));
    }
  }

  /** The loop applies them. */
  @Override
  public void changesToApply(SourceSnapshot snapshot, ChangedKeys keys) {}

  @Override
  public long catchUpAhead(PgSession session, TableName stage, SourceSnapshot snapshot) {
    Map<Integer, AppliedPosition> writtenEnd =
        written.capture().untilWritten(session.number(LSN), BEHIND_MAX);
    session.begin(Begin.READ_COMMITTED);
    session.execute("set local plan_cache_mode = force_generic_plan");
    KafkaCatchUp.Stretch there =
        removeRead(session, stage, snapshot, byPartition(fence.find(read.topic())));
    KafkaCatchUp.Stretch here = removeWritten(session, stage, writtenEnd);
    session.commit();
    readFrom = there.reached();
    writtenFrom = here.reached();
    return there.changes() + here.changes();
  }

  @Override
  public void fence(PgSession session) {
    fence.letGo();
    fence.hold();
  }

  /** A table that was loaded was empty when it was locked: nobody had a row to touch. */
  @Override
  public long catchUp(PgSession session, TableName table, SourceSnapshot snapshot) {
    if (table.equals(mapping.target().name())) {
      return 0;
    }
    Map<Integer, AppliedPosition> writtenEnd =
        written.capture().untilWritten(session.number(LSN), LOCKED_MAX);
    return removeRead(session, table, snapshot, byPartition(fence.find(read.topic()))).changes()
        + removeWritten(session, table, writtenEnd).changes();
  }

  /** The loop looks anew which keys wait for a person. */
  @Override
  public void commitPosition(PgSession session, SourceSnapshot snapshot) {
    fence.renew();
  }

  private KafkaCatchUp.Stretch removeRead(
      PgSession session,
      TableName stage,
      SourceSnapshot snapshot,
      Map<Integer, AppliedPosition> until) {
    return read.changes()
        .keys(
            mapping,
            readFrom,
            until,
            change -> snapshot.sees(change.transaction()),
            removing(session, stage));
  }

  private KafkaCatchUp.Stretch removeWritten(
      PgSession session, TableName stage, Map<Integer, AppliedPosition> until) {
    return written
        .changes()
        .keys(mapping.reversed(), writtenFrom, until, isBefore, removing(session, stage));
  }

  private KafkaCatchUp.Keys removing(PgSession session, TableName stage) {
    return new KafkaCatchUp.Keys() {
      @Override
      public void changed(List<RowKey> keys) {
        keyRows.remove(session, stage, keys);
      }

      @Override
      public void truncated() {
        session.execute("delete from " + Sql.name(stage));
      }
    };
  }

  private static Map<Integer, AppliedPosition> byPartition(List<AppliedPosition> positions) {
    Map<Integer, AppliedPosition> byPartition = new HashMap<>();
    positions.forEach(position -> byPartition.put(position.partition(), position));
    return byPartition;
  }
}
