package io.tidemark.copy;

import io.tidemark.Await;
import io.tidemark.change.OperatingFailure.Kind;
import io.tidemark.change.RowKey;
import io.tidemark.change.TableName;
import io.tidemark.postgres.PgSession;
import io.tidemark.postgres.SourceSnapshot;
import java.util.List;

/** The two ways in which a merge meets a stream, over a topic in memory. */
final class LoggedMerge {
  private LoggedMerge() {}

  /** The stream begins with the merge. */
  static final class Start implements MergeJoin {
    private final LoggedTopic topic;
    private final Runnable afterSnapshot;
    private int from;
    private int until = -1;
    private boolean reached;

    Start(LoggedTopic topic, Runnable afterSnapshot) {
      this.topic = topic;
      this.afterSnapshot = afterSnapshot;
    }

    @Override
    public void beforeSnapshot() {
      from = topic.capture();
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
      if (until < 0) {
        afterSnapshot.run();
        until = topic.capture();
      }
    }

    @Override
    public void changesToApply(SourceSnapshot snapshot, ChangedKeys keys) {
      topic.keys(from, until, snapshot, keys);
    }

    @Override
    public long catchUpAhead(PgSession session, TableName stage, SourceSnapshot snapshot) {
      reached = true;
      return topic.apply(session, stage, from, until, snapshot);
    }

    @Override
    public void fence(PgSession session) {}

    @Override
    public long catchUp(PgSession session, TableName table, SourceSnapshot snapshot) {
      if (reached) {
        return 0;
      }
      awaitSeen(snapshot);
      return topic.apply(session, table, from, until, snapshot);
    }

    @Override
    public void commitPosition(PgSession session, SourceSnapshot snapshot) {
      session.execute("insert into position values (" + until + ")");
    }
  }

  /** The loop runs beside the merge. */
  static final class Beside implements MergeJoin {
    private final PgFixture pg;
    private final LoggedTopic topic;
    private final KeyRows keyRows;
    private int removed;
    private int snapshotEnd;
    private int fenced;

    Beside(PgFixture pg, LoggedTopic topic) {
      this.pg = pg;
      this.topic = topic;
      keyRows = new KeyRows(pg.mapping("t"));
    }

    @Override
    public void beforeSnapshot() {
      removed = topic.end();
    }

    @Override
    public boolean isStreaming() {
      return true;
    }

    @Override
    public boolean allowsLoad() {
      return false;
    }

    @Override
    public void awaitSeen(SourceSnapshot snapshot) {
      snapshotEnd = topic.capture();
      try (PgSession session = PgSession.open(pg.target, Kind.TARGET, "test", "position")) {
        Await.until(() -> session.number("select at from position"), at -> at >= snapshotEnd);
      }
    }

    @Override
    public void changesToApply(SourceSnapshot snapshot, ChangedKeys keys) {}

    @Override
    public long catchUpAhead(PgSession session, TableName stage, SourceSnapshot snapshot) {
      int until = (int) session.number("select at from position");
      remove(session, stage, snapshot, until);
      removed = until;
      return 0;
    }

    @Override
    public void fence(PgSession session) {
      fenced = (int) session.number("select at from position for update");
    }

    @Override
    public long catchUp(PgSession session, TableName table, SourceSnapshot snapshot) {
      remove(session, table, snapshot, fenced);
      return 0;
    }

    private void remove(PgSession session, TableName stage, SourceSnapshot snapshot, int until) {
      topic.keys(
          removed,
          until,
          snapshot,
          new ChangedKeys() {
            @Override
            public void changed(List<RowKey> keys) {
              keyRows.remove(session, stage, keys);
            }

            @Override
            public void truncated() {}
          });
    }

    @Override
    public void commitPosition(PgSession session, SourceSnapshot snapshot) {}
  }
}
