package io.tidemark.sync;

import io.tidemark.change.TableName;
import io.tidemark.postgres.TableShape;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What pre-flight asks the catalog about one table, besides its shape.
 *
 * @param identities the columns whose old values the log holds for an update or a deletion: those
 *     of the table and of each partition that holds rows, by its name as in SQL
 * @param uniqueKeys the column sets of its unique indexes that a key can rely on
 * @param deferrableKeys keys that no statement can rely on before its transaction ends
 * @param children tables that inherit from it and are none of its partitions, as in SQL
 * @param required columns that an insert must give, because they are not null without a default
 * @param privileges of ours: {@code select insert update delete truncate owner usage}, the last of
 *     its schema
 * @param owner its owner's role, quoted as in SQL
 * @param schema its schema, quoted as in SQL
 */
record PgTableFacts(
    Map<String, Set<String>> identities,
    List<Set<String>> uniqueKeys,
    List<DeferrableKey> deferrableKeys,
    List<String> children,
    Set<String> required,
    Set<String> privileges,
    String owner,
    String schema) {
  /** More names than this do not help anybody to find a misspelling. */
  private static final int SIMILAR_MAX = 3;

  /**
   * A unique constraint that is checked at a transaction's end, or may be.
   *
   * @param constraint its name, quoted as in SQL
   * @param columns its columns' names
   * @param definition without being deferrable
   */
  record DeferrableKey(String constraint, List<String> columns, String definition) {
    /** The statement that makes it an ordinary one. */
    String fix(TableShape table) {
      return "alter table "
          + table.name()
          + " drop constraint "
          + constraint
          + ", add "
          + definition;
    }
  }

  // A deferrable primary key is no replica identity. The log's old row is that of the partition.
  private static final String IDENTITIES =
      """
      select format('%I.%I', n.nspname, c.relname),
             array(
               select a.attname::text
               from pg_catalog.pg_attribute a
               left join pg_catalog.pg_index i
                 on i.indrelid = c.oid
                 and i.indimmediate
                 and ((c.relreplident = 'd' and i.indisprimary)
                   or (c.relreplident = 'i' and i.indisreplident))
               where a.attrelid = c.oid
                 and a.attnum > 0
                 and not a.attisdropped
                 and (c.relreplident = 'f' or a.attnum = any (i.indkey)))
      from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where c.oid = ?::oid
        or c.relkind = 'r'
          and c.oid in (
            select p.relid
            from pg_catalog.pg_partition_tree(?::oid::regclass) p
            where p.isleaf)
      order by 1
      """;

  private static final String DEFERRABLE_KEYS =
      """
      select quote_ident(k.conname),
             array(
               select a.attname::text
               from unnest(k.conkey) c(attnum)
               join pg_catalog.pg_attribute a on a.attrelid = k.conrelid and a.attnum = c.attnum),
             regexp_replace(pg_catalog.pg_get_constraintdef(k.oid), ' DEFERRABLE.*', '')
      from pg_catalog.pg_constraint k
      where k.conrelid = ?::oid and k.contype in ('p', 'u') and k.condeferrable
      order by k.contype, k.conname
      """;

  private static final String CHILDREN =
      """
      select format('%I.%I', n.nspname, c.relname)
      from pg_catalog.pg_inherits i
      join pg_catalog.pg_class c on c.oid = i.inhrelid
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where i.inhparent = ?::oid and not c.relispartition
      order by 1
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
    try (PreparedStatement statement = connection.prepareStatement(OWNER)) {
      statement.setLong(1, table.oid());
      try (ResultSet row = statement.executeQuery()) {
        row.next();
        return new PgTableFacts(
            identities(connection, table),
            uniqueKeys(connection, table),
            deferrableKeys(connection, table),
            PgAsk.texts(connection, CHILDREN, table.oid()),
            Set.copyOf(PgAsk.texts(connection, REQUIRED, table.oid())),
            Set.copyOf(PgAsk.texts(connection, PRIVILEGES, table.oid())),
            row.getString(1),
            row.getString(2));
      }
    }
  }

  private static Map<String, Set<String>> identities(Connection connection, TableShape table)
      throws SQLException {
    Map<String, Set<String>> identities = new LinkedHashMap<>();
    try (PreparedStatement statement = connection.prepareStatement(IDENTITIES)) {
      statement.setLong(1, table.oid());
      statement.setLong(2, table.oid());
      try (ResultSet row = statement.executeQuery()) {
        while (row.next()) {
          identities.put(row.getString(1), Set.copyOf(names(row.getArray(2))));
        }
      }
    }
    return identities;
  }

  private static List<Set<String>> uniqueKeys(Connection connection, TableShape table)
      throws SQLException {
    List<Set<String>> keys = new ArrayList<>();
    try (PreparedStatement statement = connection.prepareStatement(UNIQUE_KEYS)) {
      statement.setLong(1, table.oid());
      try (ResultSet row = statement.executeQuery()) {
        while (row.next()) {
          keys.add(Set.copyOf(names(row.getArray(1))));
        }
      }
    }
    return keys;
  }

  private static List<DeferrableKey> deferrableKeys(Connection connection, TableShape table)
      throws SQLException {
    List<DeferrableKey> keys = new ArrayList<>();
    try (PreparedStatement statement = connection.prepareStatement(DEFERRABLE_KEYS)) {
      statement.setLong(1, table.oid());
      try (ResultSet row = statement.executeQuery()) {
        while (row.next()) {
          keys.add(new DeferrableKey(row.getString(1), names(row.getArray(2)), row.getString(3)));
        }
      }
    }
    return keys;
  }

  private static List<String> names(Array array) throws SQLException {
    return List.of((String[]) array.getArray());
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
