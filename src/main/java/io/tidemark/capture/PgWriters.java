package io.tidemark.capture;

import io.tidemark.change.OperatingFailure;
import io.tidemark.change.TableName;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;

/**
 * The transactions that may have written to a table before its capture began.
 *
 * <p>What such a transaction wrote before the table joined the publication is not in the stream; a
 * copy that starts before it commits does not see it either. Whoever waits for their end can copy
 * the table and miss nothing.
 */
final class PgWriters {
  private static final long RETRY_MILLIS = 20;

  // Locks of the table and of its partitions. A transaction is known by its virtual id, and by its
  // own id if it has one: it loses the virtual one when it is prepared for two-phase commit.
  private static final String WRITING =
      """
      with relations as (
        select ?::regclass::oid as relid
        union
        select t.relid::oid from pg_catalog.pg_partition_tree(?::regclass) t
      ), writers as (
        select distinct l.virtualtransaction
        from pg_catalog.pg_locks l
        join relations r on r.relid = l.relation
        join pg_catalog.pg_database d on d.oid = l.database and d.datname = current_database()
        where l.locktype = 'relation' and l.granted
          and l.pid is distinct from pg_backend_pid()
          and l.mode in ('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock',
                         'AccessExclusiveLock')
      )
      select array(select w.virtualtransaction from writers w),
             array(
               select l.transactionid::text
               from pg_catalog.pg_locks l
               join writers w on w.virtualtransaction = l.virtualtransaction
               where l.locktype = 'transactionid' and l.mode = 'ExclusiveLock' and l.granted)
      """;

  private static final String STILL_OPEN =
      """
      select count(*)
      from pg_catalog.pg_locks l
      where l.granted and (
        l.locktype = 'virtualxid' and l.mode = 'ExclusiveLock'
          and l.virtualtransaction = any(?)
        or l.locktype = 'transactionid' and l.mode = 'ExclusiveLock'
          and (l.transactionid::text = any(?) or l.virtualtransaction = any(?)))
      """;

  private PgWriters() {}

  /** Waits for the end of every transaction that holds a write lock on the table now. */
  static void awaitEnd(Connection connection, String quotedName, TableName table, Duration max)
      throws SQLException, InterruptedException {
    Array virtual;
    Array ids;
    try (PreparedStatement statement = connection.prepareStatement(WRITING)) {
      statement.setString(1, quotedName);
      statement.setString(2, quotedName);
      try (ResultSet row = statement.executeQuery()) {
        row.next();
        virtual = row.getArray(1);
        ids = row.getArray(2);
      }
    }
    long until = System.nanoTime() + max.toNanos();
    while (true) {
      long open = stillOpen(connection, virtual, ids);
      if (open == 0) {
        return;
      }
      if (System.nanoTime() > until) {
        throw new OperatingFailure(
            OperatingFailure.Kind.SOURCE,
            "writers_open",
            open
                + " transactions that were writing to "
                + table
                + " when its capture began are still open after "
                + max.toSeconds()
                + " s",
            "End them (pg_stat_activity, pg_prepared_xacts), then try again.",
            null);
      }
      Thread.sleep(RETRY_MILLIS);
    }
  }

  private static long stillOpen(Connection connection, Array virtual, Array ids)
      throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(STILL_OPEN)) {
      statement.setArray(1, virtual);
      statement.setArray(2, ids);
      statement.setArray(3, virtual);
      try (ResultSet row = statement.executeQuery()) {
        row.next();
        return row.getLong(1);
      }
    }
  }
}
