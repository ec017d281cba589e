package io.tidemark.capture;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

/** Tells whether a partition had rows when it was attached. Those are in no change of the table. */
final class PgPartitions {
  // Rows of an earlier transaction than the attachment, or of an earlier command of the same one.
  // They are in the first pages, so that a large partition costs no more than a small one.
  private static final String QUESTION =
      """
      select pg_catalog.has_table_privilege(c.oid, 'select'),
             pg_catalog.format(
               'select exists ('
                 'select from only %I.%I r, pg_catalog.pg_inherits i '
                 'where i.inhrelid = %s and r.ctid < ''(64,0)''::tid '
                 'and (pg_catalog.age(r.xmin) > pg_catalog.age(i.xmin) '
                   'or r.xmin = i.xmin and r.cmin::text::int8 < i.cmin::text::int8))',
               n.nspname, c.relname, c.oid)
      from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where c.oid = ?::int8::oid
        and c.relkind = 'r'
      """;

  private PgPartitions() {}

  /**
   * Whether it has. One that has partitions itself has no rows of its own.
   *
   * @param partition oid
   * @param wasOwn whether it was a table of its own before, and not created as a partition: the
   *     answer where our role may read the whole table, but not the partition by itself
   */
  static boolean hasEarlierRows(Connection connection, long partition, boolean wasOwn)
      throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(QUESTION)) {
      statement.setLong(1, partition);
      try (ResultSet row = statement.executeQuery()) {
        if (!row.next()) {
          return false;
        }
        return row.getBoolean(1) ? isTrue(connection, row.getString(2)) : wasOwn;
      }
    }
  }

  private static boolean isTrue(Connection connection, String question) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(question)) {
      row.next();
      return row.getBoolean(1);
    }
  }
}
