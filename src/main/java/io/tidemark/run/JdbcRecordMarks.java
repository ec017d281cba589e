package io.tidemark.run;

import java.util.HashMap;
import java.util.Map;
import java.util.UUID;
import org.jdbi.v3.core.Jdbi;

/** The numbers that conflicts and parked rows get when they are recorded. */
public final class JdbcRecordMarks {
  private static final String NEWEST =
      "select case when is_called then last_value else 0 end from sync_record_marks";

  private static final String SINCE =
      """
      select configuration_id, max(mark) as mark
      from (
        select configuration_id, mark from sync_conflicts where mark > :after
        union all
        select configuration_id, mark from sync_parked_rows where mark > :after) r
      group by configuration_id
      """;

  private final Jdbi jdbi;
  private final String installation;

  /**
   * @param installation names this store among others that keep positions in the same target
   */
  public JdbcRecordMarks(Jdbi jdbi, String installation) {
    this.jdbi = jdbi;
    this.installation = installation;
  }

  String installation() {
    return installation;
  }

  /**
   * What the store holds.
   *
   * @param newest the last number that it has given
   * @param byConfiguration the newest record of each configuration that has any
   */
  record Marks(long newest, Map<UUID, Long> byConfiguration) {
    static final Marks NONE = new Marks(0, Map.of());

    /** Whether it cannot be what this store held before: it was restored meanwhile. */
    boolean isOlderThan(Marks former) {
      return newest < former.newest();
    }

    Marks {
      byConfiguration = Map.copyOf(byConfiguration);
    }
  }

  /**
   * Reads it, and of records only those that are new.
   *
   * @param former what was read before
   */
  Marks read(Marks former) {
    long after = former.byConfiguration().values().stream().mapToLong(mark -> mark).max().orElse(0);
    return jdbi.withHandle(
        handle -> {
          Map<UUID, Long> marks =
              handle
                  .createQuery(SINCE)
                  .bind("after", after)
                  .reduceRows(
                      new HashMap<>(former.byConfiguration()),
                      (all, row) -> {
                        all.put(
                            row.getColumn("configuration_id", UUID.class),
                            row.getColumn("mark", Long.class));
                        return all;
                      });
          // After the records, so that it is no older than any of them.
          return new Marks(handle.createQuery(NEWEST).mapTo(Long.class).one(), marks);
        });
  }
}
