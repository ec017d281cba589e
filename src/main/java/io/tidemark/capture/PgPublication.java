package io.tidemark.capture;

import io.tidemark.capture.PgTrackedTables.Member;
import io.tidemark.capture.PublicationNote.Tracked;
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
import java.util.UUID;

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

  private static final int ID_LENGTH = 13;

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

  /**
   * Makes sure that the table is published without interruption from now on; it is pending until it
   * is settled. Where changes may have been missed since it was tracked before, the tracking gets
   * another id.
   */
  void track(TableName table) throws SQLException {
    inTransaction(
        () -> {
          if (!exists()) {
            create();
          }
          PgTrackedTables now = look();
          PublicationNote note = repaired(now);
          Optional<Member> member = now.memberNamed(table);
          boolean goesOn =
              member.isPresent()
                  && !member.get().isPartial()
                  && note.find(table)
                      .filter(one -> one.member() == member.get().oid())
                      .filter(now::hasItsPartitions)
                      .isPresent();
          if (!goesOn) {
            note = added(table, note, member);
          }
          if (!note.equals(now.note())) {
            write(note);
          }
        });
  }

  /** Publishes all operations again if somebody has changed that, and notes tables as they are. */
  private PublicationNote repaired(PgTrackedTables now) throws SQLException {
    PublicationNote note = now.adopted(PgPublication::newId);
    if (!now.isAltered()) {
      return note;
    }
    publishAll();
    return note.trackingAgain(PgPublication::newId);
  }

  /**
   * Publishes a table that is not published, or not as a whole. One that somebody else has added is
   * left as it is, but its writers are waited for all the same.
   */
  private PublicationNote added(TableName table, PublicationNote note, Optional<Member> member)
      throws SQLException {
    boolean isWhole = member.isPresent() && !member.get().isPartial();
    if (!isWhole) {
      if (member.isPresent()) {
        remove(table);
      }
      execute("alter publication " + Sql.name(name) + " add table only " + Sql.name(table));
    }
    Member added = look().memberNamed(table).orElseThrow();
    for (Tracked former : note.find(table).stream().toList()) {
      // Another table had the name, and has another one now: nobody reads its changes.
      Member other = look().members().get(former.member());
      if (other != null && !other.name().equals(table)) {
        remove(other.name());
      }
    }
    // In the same transaction: an instance that dies while it waits for writers leaves word that
    // it did not finish.
    return note.tracking(
        table, new Tracked(newId(), added.oid(), added.table(), added.partitions()));
  }

  private static String newId() {
    return UUID.randomUUID().toString().substring(0, ID_LENGTH);
  }

  /** Notes how an earlier release's tables are published, and new partitions. */
  void adopt() throws SQLException {
    inTransaction(
        () -> {
          PgTrackedTables now = look();
          if (now.version() != null && !now.note().isComplete()) {
            write(now.adopted(PgPublication::newId));
          } else if (now.hasNewPartitions()) {
            comment(now.adopted(PgPublication::newId));
          }
        });
  }

  private void create() throws SQLException {
    execute("create publication " + Sql.name(name) + " with (" + options() + ")");
  }

  private void publishAll() throws SQLException {
    execute("alter publication " + Sql.name(name) + " set (" + options() + ")");
  }

  private String options() throws SQLException {
    String all = "publish = 'insert, update, delete, truncate', publish_via_partition_root = true";
    return connection.getMetaData().getDatabaseMajorVersion() >= GENERATED_SINCE
        ? all + ", publish_generated_columns = stored"
        : all;
  }

  private void remove(TableName table) throws SQLException {
    execute("alter publication " + Sql.name(name) + " drop table " + Sql.name(table));
  }

  /** What is noted of the published tables. */
  PublicationNote note() throws SQLException {
    return look().note();
  }

  /** The publication as it is now. */
  PgTrackedTables look() throws SQLException {
    return PgTrackedTables.look(connection, name);
  }

  /**
   * Writes the note, with the publication as it is now, and tells the capture in the stream itself:
   * from the place of this message on, it knows the tables' names.
   */
  private void write(PublicationNote note) throws SQLException {
    comment(note.at(look().version()));
  }

  private void comment(PublicationNote note) throws SQLException {
    execute("comment on publication " + Sql.name(name) + " is " + Sql.literal(note.text()));
    PgSource.emit(connection, CaptureNames.TRACKED);
  }

  /**
   * The table's former writers have ended. Setting what is set already makes walsenders forget
   * which tables they think are published: before 17.5 and its siblings a transaction that was open
   * while a table joined could leave the old answer behind.
   */
  void settle(TableName table) throws SQLException {
    inTransaction(
        () -> {
          PublicationNote note = repaired(look()).settled(table);
          publishAll();
          write(note);
        });
  }

  /** The slot is a new one: what was in sync with the stream before may miss changes. */
  void interrupted() throws SQLException {
    inTransaction(() -> write(repaired(look()).trackingAgain(PgPublication::newId)));
  }

  boolean exists() throws SQLException {
    return look().version() != null;
  }

  /** Takes every other table out; answers whether there was one. */
  boolean keep(Set<TableName> remaining) throws SQLException {
    PgTrackedTables before = look();
    boolean isKept =
        remaining.containsAll(before.note().tables().keySet())
            && before.members().values().stream()
                .allMatch(one -> remaining.contains(before.trackedName(one)));
    if (!isKept) {
      takeOut(remaining);
    }
    return !isKept;
  }

  private void takeOut(Set<TableName> remaining) throws SQLException {
    inTransaction(
        () -> {
          PgTrackedTables now = look();
          PublicationNote note = now.adopted(PgPublication::newId);
          for (Member member : now.members().values()) {
            if (!remaining.contains(now.trackedName(member))) {
              remove(member.name());
            }
          }
          if (now.version() != null) {
            boolean isAltered = now.isAltered();
            note = note.keeping(remaining);
            // What somebody else has altered stays on record: only tracking again repairs it.
            comment(isAltered ? note : note.at(now.version()));
          }
        });
  }

  void drop() throws SQLException {
    execute("drop publication if exists " + Sql.name(name));
  }

  private interface Work {
    void run() throws SQLException;
  }

  private void inTransaction(Work work) throws SQLException {
    connection.setAutoCommit(false);
    try {
      work.run();
      connection.commit();
    } catch (SQLException | RuntimeException e) {
      connection.rollback();
      throw e;
    } finally {
      connection.setAutoCommit(true);
    }
  }

  private void execute(String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }
}
