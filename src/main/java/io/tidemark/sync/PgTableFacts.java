package io.tidemark.sync;

import io.tidemark.change.TableName;
import io.tidemark.postgres.TableShape;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What pre-flight asks the catalog about one table, besides its shape.
 *
 * @param identity columns whose old values the log holds for an update or a deletion
 * @param uniqueKeys the column sets of its unique indexes that a key can rely on
 * @param required columns that an insert must give, because they are not null without a default
 * @param privileges of ours: {@code select insert update delete truncate owner usage}, the last of
 *     its schema
 * @param owner its owner's role, quoted as in SQL
 * @param schema its schema, quoted as in SQL
 */
record PgTableFacts(
    Set<String> identity,
    List<Set<String>> uniqueKeys,
    Set<String> required,
    Set<String> privileges,
    String owner,
    String schema) {
  /** More names than this do not help anybody to find a misspelling. */
  private static final int SIMILAR_MAX = 3;

  private static final String IDENTITY =
      """
      select a.attname
      from pg_catalog.pg_class c
      join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0
      left join pg_catalog.pg_index i
        on i.indrelid = c.oid
        and ((c.relreplident = 'd' and i.indisprimary)
          or (c.relreplident = 'i' and i.indisreplident))
      where c.oid = ?::oid
        and not a.attisdropped
        and (c.relreplident = 'f' or a.attnum = any (i.indkey))
      """;

  private static final String UNIQUE_KEYS =
      """
      select array(
        select a.attname::text
        from unnest(i.indkey[0:i.indnkeyatts - 1]) k(attnum)
        join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum)
      from pg_catalog.pg_index i
      where i.indrelid = ?::oid
        and i.indisunique
        and i.indisvalid
        and i.indimmediate
        and i.indpred is null
        and i.indexprs is null
      """;

  private static final String REQUIRED =
      """
      select a.attname
      from pg_catalog.pg_attribute a
      where a.attrelid = ?::oid
        and a.attnum > 0
        and not a.attisdropped
        and a.attnotnull
        and not a.atthasdef
        and a.attidentity = ''
      """;

  private static final String PRIVILEGES =
      """
      select p.name
      from pg_catalog.pg_class c,
        lateral (values
          ('select', has_table_privilege(c.oid, 'select')),
          ('insert', has_table_privilege(c.oid, 'insert')),
          ('update', has_table_privilege(c.oid, 'update')),
          ('delete', has_table_privilege(c.oid, 'delete')),
          ('truncate', has_table_privilege(c.oid, 'truncate')),
          ('owner', pg_has_role(c.relowner, 'usage')),
          ('usage', has_schema_privilege(c.relnamespace, 'usage'))) p(name, granted)
      where c.oid = ?::oid and p.granted
      """;

  private static final String OWNER =
      """
      select quote_ident(pg_catalog.pg_get_userbyid(c.relowner)), quote_ident(n.nspname)
      from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where c.oid = ?::oid
      """;

  private static final String TABLES =
      """
      select n.nspname, c.relname
      from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p')
        and n.nspname !~ '^(pg_|information_schema$)'
      order by n.nspname = ? desc, c.relname
      limit 2000
      """;

  static PgTableFacts of(Connection connection, TableShape table) throws SQLException {
    List<Set<String>> uniqueKeys = new ArrayList<>();
    try (PreparedStatement statement = connection.prepareStatement(UNIQUE_KEYS)) {
      statement.setLong(1, table.oid());
      try (ResultSet row = statement.executeQuery()) {
        while (row.next()) {
          uniqueKeys.add(Set.of((String[]) row.getArray(1).getArray()));
        }
      }
    }
    try (PreparedStatement statement = connection.prepareStatement(OWNER)) {
      statement.setLong(1, table.oid());
      try (ResultSet row = statement.executeQuery()) {
        row.next();
        return new PgTableFacts(
            texts(connection, IDENTITY, table),
            uniqueKeys,
            texts(connection, REQUIRED, table),
            texts(connection, PRIVILEGES, table),
            row.getString(1),
            row.getString(2));
      }
    }
  }

  /** The statements that give a role what it lacks of these privileges on the table. */
  String grants(List<String> needed, TableShape table, String role) {
    List<String> statements = new ArrayList<>();
    if (needed.contains("usage") && !privileges.contains("usage")) {
      statements.add("grant usage on schema " + schema + " to " + role);
    }
    String ofTable =
        needed.stream()
            .filter(one -> !one.equals("usage") && !privileges.contains(one))
            .collect(Collectors.joining(", "));
    if (!ofTable.isEmpty()) {
      statements.add("grant " + ofTable + " on " + table.name() + " to " + role);
    }
    return String.join("; ", statements);
  }

  private static Set<String> texts(Connection connection, String sql, TableShape table)
      throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      statement.setLong(1, table.oid());
      Set<String> texts = new HashSet<>();
      try (ResultSet row = statement.executeQuery()) {
        while (row.next()) {
          texts.add(row.getString(1));
        }
      }
      return texts;
    }
  }

  /** Tables whose names are near to one that is not there, the nearest first. */
  static List<TableName> similarTo(Connection connection, TableName missing) throws SQLException {
    List<TableName> tables = new ArrayList<>();
    try (PreparedStatement statement = connection.prepareStatement(TABLES)) {
      statement.setString(1, missing.schema());
      try (ResultSet row = statement.executeQuery()) {
        while (row.next()) {
          tables.add(new TableName(row.getString(1), row.getString(2)));
        }
      }
    }
    return tables.stream()
        .filter(table -> distance(table, missing) <= Math.max(2, missing.table().length() / 2))
        .sorted(Comparator.comparingInt(table -> distance(table, missing)))
        .limit(SIMILAR_MAX)
        .toList();
  }

  /** Letters to insert, delete or replace to make one table's name the other's. */
  private static int distance(TableName one, TableName other) {
    String a = one.table().toLowerCase(java.util.Locale.ROOT);
    String b = other.table().toLowerCase(java.util.Locale.ROOT);
    int[] previous = new int[b.length() + 1];
    for (int j = 0; j <= b.length(); j++) {
      previous[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      int[] current = new int[b.length() + 1];
      current[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int replace = previous[j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        current[j] = Math.min(replace, Math.min(previous[j], current[j - 1]) + 1);
      }
      previous = current;
    }
    return previous[b.length()];
  }
}
