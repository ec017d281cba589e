package io.tidemark.sync;

import io.tidemark.change.OperatingFailure;
import io.tidemark.change.TableName;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.postgres.PgSession;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Tells whether two names mean the same rows: by another connection, or as partition and table. */
public final class PgSameTable {
  private static final String RELATED =
      """
      with relations as (
        select c.oid
        from pg_catalog.pg_class c
        join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        where n.nspname = ? and c.relname = ?
      ), related as (
        select a.relid::oid as oid
        from relations r, pg_catalog.pg_partition_ancestors(r.oid::regclass) a
        union
        select t.relid::oid
        from relations r, pg_catalog.pg_partition_tree(r.oid::regclass) t
      )
      select n.nspname, c.relname
      from related r
      join pg_catalog.pg_class c on c.oid = r.oid
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      """;

  private PgSameTable() {}

  /** The table itself, the tables that it is a partition of, and its partitions. */
  public static Set<TableName> related(PgDatabase database, TableName table) {
    Set<TableName> related = new HashSet<>(Set.of(table));
    try (PgSession session = open(database)) {
      for (List<@Nullable String> row : session.rows(RELATED, table.schema(), table.table())) {
        related.add(new TableName(String.valueOf(row.get(0)), String.valueOf(row.get(1))));
      }
    }
    return related;
  }

  /**
   * The same for two connections exactly if they lead to one database of one server.
   *
   * @throws OperatingFailure if the database does not answer
   */
  public static String identity(PgDatabase database) {
    try (PgSession session = open(database)) {
      return session.text(PgServer.IDENTITY);
    }
  }

  private static PgSession open(PgDatabase database) {
    return PgSession.open(
        database,
        OperatingFailure.Kind.TARGET,
        "tables",
        "connection '" + database.connection() + "'");
  }
}
