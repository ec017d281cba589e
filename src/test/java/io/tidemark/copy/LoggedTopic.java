package io.tidemark.copy;

import io.tidemark.Await;
import io.tidemark.change.OperatingFailure.Kind;
import io.tidemark.change.RowKey;
import io.tidemark.change.TableName;
import io.tidemark.copy.MergeJoin.ChangedKeys;
import io.tidemark.postgres.PgSession;
import io.tidemark.postgres.PgSession.Begin;
import io.tidemark.postgres.SourceSnapshot;
import io.tidemark.postgres.Sql;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * A topic in memory over {@link LoggedStream#TABLES}, and an apply loop that takes it to the target
 * under a position row, as the real one does.
 */
final class LoggedTopic {
  static final String POSITION = "create table position (at int8 not null)";

  private static final long LOWER_HALF = 0xFFFFFFFFL;

  private static final int ROOM = 1000;

  private record Entry(long transaction, @Nullable String key, String change) {}

  private final PgFixture pg;
  private final List<Entry> entries = new ArrayList<>();
  private final Set<String> captured = new HashSet<>();

  /** How far writers may be ahead of the loop: the real one is far faster than this stand-in. */
  private final Semaphore room = new Semaphore(ROOM);

  LoggedTopic(PgFixture pg) {
    this.pg = pg;
  }

  synchronized int end() {
    return entries.size();
  }

  /** Brings everything into the topic that has committed by now, and answers where it ends. */
  synchronized int capture() {
    try (PgSession log = PgSession.open(pg.source, Kind.SOURCE, "test", "log")) {
      for (List<@Nullable String> row :
          log.rows("select place, transaction, key, a, version, gone from log order by place")) {
        if (captured.add(row.get(0))) {
          long transaction = Long.parseLong(row.get(1)) & LOWER_HALF;
          entries.add(new Entry(transaction, row.get(2), change(row)));
        }
      }
    }
    return end();
  }

  private static String change(List<@Nullable String> row) {
    if ("t".equals(row.get(5))) {
      return "delete from %s where id = " + row.get(2);
    }
    return "insert into %s (id, a, version) values ("
        + row.get(2)
        + ", "
        + Sql.literal(String.valueOf(row.get(3)))
        + ", "
        + row.get(4)
        + ") on conflict (id) do update set a = excluded.a, version = excluded.version";
  }

  private synchronized List<Entry> between(int from, int until, SourceSnapshot snapshot) {
    return entries.subList(from, until).stream()
        .filter(entry -> !snapshot.sees(entry.transaction()))
        .toList();
  }

  void keys(int from, int until, SourceSnapshot snapshot, ChangedKeys keys) {
    List<RowKey> changed =
        between(from, until, snapshot).stream().map(entry -> RowKey.of(entry.key())).toList();
    if (!changed.isEmpty()) {
      keys.changed(changed);
    }
  }

  long apply(PgSession session, TableName table, int from, int until, SourceSnapshot snapshot) {
    List<Entry> unseen = between(from, until, snapshot);
    unseen.forEach(entry -> session.execute(entry.change().replace("%s", Sql.name(table))));
    return unseen.size();
  }

  /** Waits until the loop is near enough for a writer to write so many rows. */
  void awaitRoom(int rows) {
    try {
      Await.permits(room, rows);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Captures and applies until told to stop, and then until nothing is left. */
  void loop(AtomicBoolean stop) {
    try (PgSession session = PgSession.open(pg.target, Kind.TARGET, "test", "loop")) {
      while (true) {
        boolean last = stop.get();
        int end = capture();
        boolean done = end == applySome(session, end);
        if (last && done) {
          return;
        }
      }
    }
  }

  private int applySome(PgSession session, int end) {
    session.begin(Begin.READ_COMMITTED);
    int at = (int) session.number("select at from position for update");
    int to = Math.min(end, at + 50);
    List<Entry> some;
    synchronized (this) {
      some = List.copyOf(entries.subList(at, to));
    }
    some.forEach(entry -> session.execute(entry.change().replace("%s", "t")));
    session.execute("update position set at = " + to);
    session.commit();
    if (to == end) {
      room.drainPermits();
      room.release(ROOM);
    }
    return to;
  }
}
