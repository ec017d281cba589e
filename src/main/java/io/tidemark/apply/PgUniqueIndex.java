package io.tidemark.apply;

import io.tidemark.postgres.TableShape;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/** Which columns a violated unique constraint is about. */
final class PgUniqueIndex {
  static final String VIOLATED = "23505";

  // A partition's index has a name and a table of its own; the tree has the same columns.
  private static final String COLUMNS =
      """
      select array(
        select a.attname::text
        from unnest(i.indkey[0:i.indnkeyatts - 1]) k(attnum)
        join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum)
      from pg_catalog.pg_index i
      join pg_catalog.pg_class c on c.oid = i.indexrelid
      where c.relname = ?
        and (i.indrelid = ?::oid
          or i.indrelid in (select relid from pg_catalog.pg_partition_tree(?::oid)))
        and i.indisunique
        and i.indpred is null
        and i.indexprs is null
      """;

  private PgUniqueIndex() {}

  /**
   * The constraint's columns; empty if it is over expressions or some of the rows, so that the
   * holder of the value cannot be told.
   */
  static List<String> columnsOf(Connection connection, TableShape table, SQLException violation)
      throws SQLException {
    String constraint = constraint(violation);
    if (constraint == null) {
      return List.of();
    }
    try (PreparedStatement statement = connection.prepareStatement(COLUMNS)) {
      statement.setString(1, constraint);
      statement.setLong(2, table.oid());
      statement.setLong(3, table.oid());
      try (ResultSet row = statement.executeQuery()) {
        return row.next() ? List.of((String[]) row.getArray(1).getArray()) : List.of();
      }
    }
  }

  private static @Nullable String constraint(SQLException violation) {
    ServerErrorMessage server =
        violation instanceof PSQLException pg ? pg.getServerErrorMessage() : null;
    return server == null ? null : server.getConstraint();
  }
}
