package io.tidemark.postgres;

import io.tidemark.change.TableName;
import io.tidemark.postgres.ColumnShape.Generation;
import io.tidemark.postgres.ColumnShape.Nullability;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Reads the catalog. */
public final class PgCatalog {
  // format_type leaves out the schema of types on the search path, so the path is emptied for the
  // statement's transaction: the text must mean the same in any session.
  private static final String TABLE =
      """
      select c.oid, c.relkind::text, c.relpersistence::text, c.relreplident::text,
             c.reltuples::bigint
      from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where n.nspname = ? and c.relname = ? and c.relkind in ('r', 'p', 'v', 'm', 'f')
      """;

  private static final String COLUMNS =
      """
      select a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod),
             pg_catalog.format_type(a.atttypid, -1), a.atttypid::int8, a.attnotnull, a.attidentity::text,
             a.attgenerated::text
      from pg_catalog.pg_attribute a
      where a.attrelid = ?::oid and a.attnum > 0 and not a.attisdropped
      order by a.attnum
      """;

  // The primary key first, else the unique index with the fewest columns, all of them not null.
  private static final String KEY =
      """
      select array(
        select a.attname
        from unnest(i.indkey[0:i.indnkeyatts - 1]) with ordinality k(attnum, place)
        join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
        order by k.place)
      from pg_catalog.pg_index i
      where i.indrelid = ?::oid and i.indisunique and i.indisvalid and i.indimmediate
        and i.indpred is null and i.indexprs is null
        and not exists (
          select
          from unnest(i.indkey[0:i.indnkeyatts - 1]) k(attnum)
          join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
          where not a.attnotnull)
      order by i.indisprimary desc, i.indnkeyatts, i.indexrelid
      limit 1
      """;

  private static final String TYPES =
      """
      select t.oid, t.modifier, pg_catalog.format_type(t.oid::oid, t.modifier),
             pg_catalog.format_type(t.oid::oid, -1)
      from unnest(?::int8[], ?::int4[]) t(oid, modifier)
      """;

  /** What format_type answers for an oid that is no type's, and for an array of such. */
  private static final String NO_TYPE = "???";

  private PgCatalog() {}

  /** The table's shape, or empty if there is no such relation (or no right to see its schema). */
  public static Optional<TableShape> shapeOf(Connection connection, TableName table)
      throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(TABLE)) {
      statement.setString(1, table.schema());
      statement.setString(2, table.table());
      try (ResultSet row = statement.executeQuery()) {
        if (!row.next()) {
          return Optional.empty();
        }
        long oid = row.getLong(1);
        return Optional.of(
            new TableShape(
                table,
                oid,
                row.getString(2).charAt(0),
                row.getString(3).charAt(0),
                row.getString(4).charAt(0),
                columnsOf(connection, oid),
                keyOf(connection, oid),
                row.getLong(5)));
      }
    }
  }

  private static List<ColumnShape> columnsOf(Connection connection, long oid) throws SQLException {
    String path = setSearchPath(connection, "");
    try (PreparedStatement statement = connection.prepareStatement(COLUMNS)) {
      statement.setLong(1, oid);
      List<ColumnShape> columns = new ArrayList<>();
      try (ResultSet row = statement.executeQuery()) {
        while (row.next()) {
          columns.add(
              new ColumnShape(
                  row.getString(1),
                  row.getString(2),
                  row.getString(3),
                  (int) row.getLong(4),
                  row.getBoolean(5) ? Nullability.NOT_NULL : Nullability.NULLABLE,
                  generation(row.getString(6), row.getString(7))));
        }
      }
      return columns;
    } finally {
      setSearchPath(connection, path);
    }
  }

  /** The names of types as they are now; a type that is gone has none. */
  public static Map<TypeRef, TypeName> typeNames(Connection connection, Collection<TypeRef> types)
      throws SQLException {
    Object[] oids = types.stream().map(type -> Integer.toUnsignedLong(type.oid())).toArray();
    Object[] modifiers = types.stream().map(TypeRef::modifier).toArray();
    String path = setSearchPath(connection, "");
    try (PreparedStatement statement = connection.prepareStatement(TYPES)) {
      statement.setArray(1, connection.createArrayOf("int8", oids));
      statement.setArray(2, connection.createArrayOf("int4", modifiers));
      Map<TypeRef, TypeName> names = new HashMap<>();
      try (ResultSet row = statement.executeQuery()) {
        while (row.next()) {
          TypeName name = new TypeName(row.getString(3), row.getString(4));
          if (!name.castType().startsWith(NO_TYPE)) {
            names.put(new TypeRef((int) row.getLong(1), row.getInt(2)), name);
          }
        }
      }
      return names;
    } finally {
      setSearchPath(connection, path);
    }
  }

  /** Sets the session's search path and answers the former one. */
  private static String setSearchPath(Connection connection, String path) throws SQLException {
    try (PreparedStatement statement =
        connection.prepareStatement(
            """
            select current_setting('search_path'),
                   set_config('search_path', ?, false)
            """)) {
      statement.setString(1, path);
      try (ResultSet row = statement.executeQuery()) {
        row.next();
        return row.getString(1);
      }
    }
  }

  private static Generation generation(String identity, String generated) {
    if (!generated.isEmpty()) {
      return Generation.COMPUTED;
    }
    return identity.equals("a") ? Generation.IDENTITY_ALWAYS : Generation.WRITTEN;
  }

  /** The columns of a table's key, in the key's order; empty if it has none. */
  public static List<String> keyOf(Connection connection, long oid) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(KEY)) {
      statement.setLong(1, oid);
      try (ResultSet row = statement.executeQuery()) {
        return row.next() ? List.of((String[]) row.getArray(1).getArray()) : List.of();
      }
    }
  }
}
