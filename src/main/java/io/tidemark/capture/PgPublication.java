package io.tidemark.capture;

import io.tidemark.change.OperatingFailure;
import io.tidemark.change.TableName;
import io.tidemark.postgres.PgCatalog;
import io.tidemark.postgres.Sql;
import io.tidemark.postgres.TableShape;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/** The publication of one source connection: which tables the slot's stream carries. */
final class PgPublication {
  /** Stored generated columns are published from 18 on; updates under FULL fail without them. */
  private static final int GENERATED_SINCE = 18;

  /**
   * Whose old rows the log tells is each partition's own matter, but its message goes by the root:
   * of another identity, what is not in the old row would read as null. Without one, the source's
   * own updates would fail once the table is published.
   */
  private static final String OTHER_IDENTITY =
      """
      select c.oid::regclass::text
      from pg_catalog.pg_partition_tree(?::oid) p
      join pg_catalog.pg_class c on c.oid = p.relid
      join pg_catalog.pg_class r on r.oid = ?::oid
      where p.isleaf
        and c.relkind = 'r'
        and c.relreplident <> 'f'
        and (c.relreplident <> r.relreplident
          or not exists (
            select
            from pg_catalog.pg_index i
            where i.indrelid = c.oid
              and (c.relreplident = 'd' and i.indisprimary or i.indisreplident)))
      order by 1
      limit 1
      """;

  /** The server refuses the source's own updates of such a table as soon as it is published. */
  private static final String VIRTUAL_IN_FULL =
      """
      select a.attname
      from pg_catalog.pg_class c
      join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attgenerated = 'v'
      where c.oid = ?::oid
        and c.relreplident = 'f'
        and not a.attisdropped
      limit 1
      """;

  private final Connection connection;
  private final String name;

  /** Over a session that holds the connection's change lock. */
  PgPublication(Connection connection, String name) {
    this.connection = connection;
    this.name = name;
  }

  /** Refuses a source or a table that cannot be captured, and says what to do. */
  static void check(Connection connection, TableName table) throws SQLException {
    TableShape shape =
        PgCatalog.shapeOf(connection, table)
            .orElseThrow(
                () -> refusal("table_missing", "table " + table + " does not exist", "Create it."));
    if (shape.relationKind() != 'r' && shape.relationKind() != 'p') {
      throw refusal("not_a_table", table + " is not a table", "Name a table.");
    }
    if (shape.persistence() != 'p') {
      throw refusal(
          "table_not_logged",
          "table " + table + " writes no WAL, so its changes cannot be captured",
          "ALTER TABLE " + table + " SET LOGGED");
    }
    Optional<String> other = ask(connection, OTHER_IDENTITY, shape.oid(), shape.oid());
    if (shape.relationKind() == 'p' && other.isPresent()) {
      throw refusal(
          "partition_identity",
          "partition "
              + other.get()
              + " of "
              + table
              + " has another replica identity than the table, or none",
          "alter table " + other.get() + " replica identity as the table has it, or full");
    }
    Optional<String> computed = ask(connection, VIRTUAL_IN_FULL, shape.oid());
    if (computed.isPresent()) {
      throw refusal(
          "virtual_in_identity",
          "under REPLICA IDENTITY FULL PostgreSQL publishes no updates of a table with a virtual"
              + " column, and "
              + table
              + " has '"
              + computed.get()
              + "'",
          "alter table " + table + " replica identity default, or using index …");
    }
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery("show wal_level")) {
      row.next();
      if (!row.getString(1).equals("logical")) {
        throw refusal(
            "wal_level",
            "the source has wal_level = " + row.getString(1),
            "Set wal_level = logical in postgresql.conf and restart the server.");
      }
    }
  }

  private static Optional<String> ask(Connection connection, String sql, long... oids)
      throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      for (int i = 0; i < oids.length; i++) {
        statement.setLong(i + 1, oids[i]);
      }
      try (ResultSet row = statement.executeQuery()) {
        return row.next() ? Optional.of(row.getString(1)) : Optional.empty();
      }
    }
  }

  private static OperatingFailure refusal(String code, String message, String hint) {
    return new OperatingFailure(OperatingFailure.Kind.SOURCE, code, message, hint, null);
  }

  /** Makes sure that the table is published; it is pending until it is settled. */
  void add(TableName table) throws SQLException {
    if (!exists()) {
      String generated =
          connection.getMetaData().getDatabaseMajorVersion() >= GENERATED_SINCE
              ? ", publish_generated_columns = stored"
              : "";
      execute(
          "create publication "
              + Sql.name(name)
              + " with (publish = 'insert, update, delete, truncate',"
              + " publish_via_partition_root = true"
              + generated
              + ")");
    }
    if (tables().contains(table)) {
      if (!note().tracked().contains(table)) {
        // Published under its former name, or by a version that did not note names.
        write(note().tracking(table));
      }
      return;
    }
    // Noted before: an instance that dies while it waits for writers leaves word that it did not
    // finish.
    write(note().tracking(table).waitingFor(table));
    execute("alter publication " + Sql.name(name) + " add table only " + Sql.name(table));
  }

  /** What is noted of the published tables. */
  PublicationNote note() throws SQLException {
    try (PreparedStatement statement =
        connection.prepareStatement(
            """
            select pg_catalog.obj_description(p.oid, 'pg_publication')
            from pg_catalog.pg_publication p
            where p.pubname = ?
            """)) {
      statement.setString(1, name);
      try (ResultSet row = statement.executeQuery()) {
        return PublicationNote.parse(row.next() ? row.getString(1) : null);
      }
    }
  }

  private void write(PublicationNote note) throws SQLException {
    execute("comment on publication " + Sql.name(name) + " is " + Sql.literal(note.text()));
  }

  /**
   * The table's former writers have ended. Setting what is set already makes walsenders forget
   * which tables they think are published: before 17.5 and its siblings a transaction that was open
   * while a table joined could leave the old answer behind.
   */
  void settle(TableName table) throws SQLException {
    execute(
        "alter publication "
            + Sql.name(name)
            + " set (publish = 'insert, update, delete, truncate')");
    write(note().settled(table));
  }

  /** Takes every other table out. */
  void keep(Set<TableName> remaining) throws SQLException {
    for (TableName table : tables()) {
      if (!remaining.contains(table)) {
        execute("alter publication " + Sql.name(name) + " drop table " + Sql.name(table));
      }
    }
    write(note().keeping(remaining));
  }

  void drop() throws SQLException {
    execute("drop publication if exists " + Sql.name(name));
  }

  boolean exists() throws SQLException {
    try (PreparedStatement statement =
        connection.prepareStatement(
            """
            select from pg_catalog.pg_publication p
            where p.pubname = ?
            """)) {
      statement.setString(1, name);
      try (ResultSet row = statement.executeQuery()) {
        return row.next();
      }
    }
  }

  /** The published tables that still have the names under which they were tracked. */
  Set<TableName> trackedTables() throws SQLException {
    Set<TableName> tables = tables();
    tables.retainAll(note().tracked());
    return tables;
  }

  Set<TableName> tables() throws SQLException {
    try (PreparedStatement statement =
        connection.prepareStatement(
            """
            select n.nspname, c.relname
            from pg_catalog.pg_publication p
            join pg_catalog.pg_publication_rel r on r.prpubid = p.oid
            join pg_catalog.pg_class c on c.oid = r.prrelid
            join pg_catalog.pg_namespace n on n.oid = c.relnamespace
            where p.pubname = ?
            """)) {
      statement.setString(1, name);
      Set<TableName> tables = new TreeSet<>();
      try (ResultSet row = statement.executeQuery()) {
        while (row.next()) {
          tables.add(new TableName(row.getString(1), row.getString(2)));
        }
      }
      return tables;
    }
  }

  private void execute(String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }
}
