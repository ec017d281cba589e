package io.tidemark.apply;

import io.tidemark.postgres.TableShape;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/** Which columns a refusal of a row is about. */
final class PgConstraintColumns {
  private static final String COLUMNS =
      """
      select a.attname
      from pg_catalog.pg_attribute a
      where a.attrelid = ?::oid
        and a.attnum > 0
        and (a.attnum = any (array(
            select unnest(k.conkey)
            from pg_catalog.pg_constraint k
            where k.conrelid = a.attrelid and k.conname = ?))
          or a.attnum = any (array(
            select unnest(i.indkey)
            from pg_catalog.pg_index i
            join pg_catalog.pg_class x on x.oid = i.indexrelid
            where i.indrelid = a.attrelid and x.relname = ?)))
      order by a.attnum
      """;

  private PgConstraintColumns() {}

  /** By the server's word; empty if it names neither a column nor a constraint. */
  static List<String> of(Connection connection, TableShape table, SQLException refusal)
      throws SQLException {
    ServerErrorMessage said =
        refusal instanceof PSQLException pg ? pg.getServerErrorMessage() : null;
    if (said == null) {
      return List.of();
    }
    if (said.getColumn() != null) {
      return List.of(said.getColumn());
    }
    List<String> columns = new ArrayList<>();
    try (PreparedStatement statement = connection.prepareStatement(COLUMNS)) {
      statement.setLong(1, table.oid());
      statement.setString(2, said.getConstraint());
      statement.setString(3, said.getConstraint());
      try (ResultSet row = statement.executeQuery()) {
        while (row.next()) {
          columns.add(row.getString(1));
        }
      }
    }
    return columns;
  }
}
