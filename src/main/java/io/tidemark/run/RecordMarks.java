package io.tidemark.run;

import io.tidemark.apply.PgTargetPositions;
import io.tidemark.apply.PgTargetPositions.Held;
import io.tidemark.postgres.PgSession;
import io.tidemark.run.JdbcRecordMarks.Marks;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.Collection;
import java.util.HashSet;
import java.util.Set;
import java.util.UUID;

/**
 * Tells whether the metadata database has lost records of rows that differ: it was restored from a
 * backup. Targets remember the number of a configuration's newest record; a number that the
 * metadata database has not given yet was given by a later state of it.
 */
final class RecordMarks {
  private static final Logger LOG = System.getLogger(RecordMarks.class.getName());

  private final JdbcRecordMarks store;
  private Marks marks = Marks.NONE;

  RecordMarks(JdbcRecordMarks store) {
    this.store = store;
  }

  /**
   * Brings what the target remembers up to date, and answers the configurations of which records
   * were lost since the last copy. Says nothing new while the metadata database is away.
   *
   * @param found just read from the target
   */
  Set<UUID> compare(PgSession target, PgTargetPositions found) {
    Marks now = read();
    Set<UUID> lost = new HashSet<>();
    found
        .positions()
        .forEach(
            (id, byTopic) -> {
              long remembered = mark(byTopic.values());
              boolean isLost =
                  remembered == PgTargetPositions.LOST
                      || now != Marks.NONE && remembered > now.newest();
              if (isLost) {
                lost.add(id);
              }
              long right =
                  isLost ? PgTargetPositions.LOST : now.byConfiguration().getOrDefault(id, 0L);
              boolean isOurs =
                  byTopic.values().stream()
                      .allMatch(held -> store.installation().equals(held.installation()));
              if (remembered < right || !isOurs) {
                PgTargetPositions.remember(target, id, right, store.installation());
              }
            });
    return lost;
  }

  private static long mark(Collection<Held> held) {
    return held.stream().mapToLong(Held::storeMark).max().orElse(0);
  }

  private synchronized Marks read() {
    try {
      Marks now = store.read(marks);
      marks = now.isOlderThan(marks) ? store.read(Marks.NONE) : now;
      return marks;
    } catch (RuntimeException e) {
      LOG.log(Level.DEBUG, "the marks of records could not be read", e);
      return Marks.NONE;
    }
  }
}
