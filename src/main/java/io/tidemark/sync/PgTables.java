package io.tidemark.sync;

import io.tidemark.change.OperatingFailure;
import io.tidemark.change.TableName;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.postgres.PgFailures;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;

/** Asks a database which tables it has. */
public final class PgTables {
  // A partition's rows come with its table.
  private static final String TABLES =
      """
      select c.relname
      from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where n.nspname = ?
        and c.relkind in ('r', 'p')
        and not c.relispartition
      order by c.relname collate "C"
      """;

  private PgTables() {}

  /**
   * The tables of a schema, by name.
   *
   * @throws OperatingFailure of kind SOURCE if the database does not answer
   */
  public static List<TableName> ofSchema(PgDatabase source, String schema) {
    try (Connection connection = source.open("tidemark-tables")) {
      return PgAsk.texts(connection, TABLES, schema).stream()
          .map(table -> new TableName(schema, table))
          .toList();
    } catch (SQLException e) {
      throw PgFailures.of(e, OperatingFailure.Kind.SOURCE, "tables of schema " + schema);
    }
  }
}
