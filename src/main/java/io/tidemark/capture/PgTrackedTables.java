package io.tidemark.capture;

import io.tidemark.capture.PublicationNote.Tracked;
import io.tidemark.capture.TrackedTables.TrackedTable;
import io.tidemark.change.OperatingFailure;
import io.tidemark.change.TableName;
import io.tidemark.postgres.PgSession;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Compares a publication and its tables with what tracking noted, in one statement, or two if
 * something differs. Reads the catalog only, and the first pages of new partitions.
 *
 * @param version the {@code xmin} of the publication's row; null if there is no publication
 * @param lacks null if the publication publishes all that is needed, else what it lacks
 * @param filled partitions that were attached since the note was written and had rows
 */
record PgTrackedTables(
    String publication,
    @Nullable String version,
    @Nullable String lacks,
    PublicationNote note,
    Map<Long, Member> members,
    Set<Long> filled,
    Map<Long, TableName> renamed,
    Map<TableName, Long> named) {
  /** Columns of the old key, where the identity is one; null for FULL, and empty for none. */
  private static final String PUBLICATION =
      """
      select p.xmin::text,
             pg_catalog.concat_ws(', ',
               case when not p.pubinsert then 'inserts' end,
               case when not p.pubupdate then 'updates' end,
               case when not p.pubdelete then 'deletes' end,
               case when not p.pubtruncate then 'truncates' end),
             p.pubviaroot,
             pg_catalog.obj_description(p.oid, 'pg_publication'),
             r.oid, r.prrelid, n.nspname, c.relname,
             r.prqual is not null, r.prattrs is not null,
             case when c.relreplident <> 'f' then array(
               select a.attname::text
               from pg_catalog.pg_index i
               join pg_catalog.pg_attribute a on a.attrelid = i.indrelid
               where i.indrelid = c.oid
                 and (c.relreplident = 'd' and i.indisprimary
                   or c.relreplident = 'i' and i.indisreplident)
                 and a.attnum = any ((i.indkey::int2[])[0:i.indnkeyatts - 1])) end,
             case when c.relkind = 'p' then array(
               with recursive part as (
                 select i.inhrelid, i.xmin as attached
                 from pg_catalog.pg_inherits i
                 where i.inhparent = c.oid
                 union all
                 select i.inhrelid, i.xmin
                 from part
                 join pg_catalog.pg_inherits i on i.inhparent = part.inhrelid)
               select pg_catalog.concat(part.inhrelid, ':', part.attached,
                                        case when t.xmin <> part.attached then ':own' end)
               from part
               join pg_catalog.pg_type t on t.typrelid = part.inhrelid) end
      from pg_catalog.pg_publication p
      left join pg_catalog.pg_publication_rel r on r.prpubid = p.oid
      left join pg_catalog.pg_class c on c.oid = r.prrelid
      left join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where p.pubname = ?
      """;

  private static final String WAS_OWN = ":own";

  private static final String TABLES =
      """
      select c.oid, n.nspname, c.relname
      from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where c.oid = any (?::int8[]::oid[]) or (n.nspname, c.relname) in (
        select * from unnest(?::text[]::name[], ?::text[]::name[]))
      """;

  /**
   * A table in the publication.
   *
   * @param oid of its row in {@code pg_publication_rel}
   * @param isPartial whether a row filter or a column list hides some of it
   * @param identity null for FULL
   * @param partitions its partitions and theirs, by oid, with the transaction that attached each
   * @param attached those that were tables of their own before
   */
  record Member(
      long oid,
      long table,
      TableName name,
      boolean isPartial,
      @Nullable Set<String> identity,
      Map<Long, Long> partitions,
      Set<Long> attached) {}

  static PgTrackedTables look(Connection connection, String publication) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(PUBLICATION)) {
      statement.setString(1, publication);
      try (ResultSet row = statement.executeQuery()) {
        if (!row.next()) {
          return new PgTrackedTables(
              publication,
              null,
              null,
              PublicationNote.empty(),
              Map.of(),
              Set.of(),
              Map.of(),
              Map.of());
        }
        String version = row.getString(1);
        String lacks = lacks(row.getString(2), row.getBoolean(3));
        PublicationNote note = PublicationNote.parse(row.getString(4));
        Map<Long, Member> members = new HashMap<>();
        do {
          if (row.getObject(5) != null) {
            members.put(row.getLong(5), member(row));
          }
        } while (row.next());
        Set<Long> filled = filled(connection, note, members);
        PgTrackedTables found =
            new PgTrackedTables(
                publication, version, lacks, note, members, filled, Map.of(), Map.of());
        return found.isAsNoted() ? found : found.withTables(connection);
      }
    }
  }

  /**
   * @throws OperatingFailure if the source refuses
   */
  static PgTrackedTables look(PgSession session, String publication) {
    try {
      return look(session.connection(), publication);
    } catch (SQLException e) {
      throw PgSource.failure("publication " + publication + " could not be read", e);
    }
  }

  private static @Nullable String lacks(String operations, boolean viaRoot) {
    if (!operations.isEmpty()) {
      return operations;
    }
    return viaRoot ? null : "changes of partitions under the name of their table";
  }

  private static Member member(ResultSet row) throws SQLException {
    Array identity = row.getArray(11);
    Array partitions = row.getArray(12);
    List<String> parts =
        partitions == null ? List.of() : Arrays.asList((String[]) partitions.getArray());
    return new Member(
        row.getLong(5),
        row.getLong(6),
        new TableName(row.getString(7), row.getString(8)),
        row.getBoolean(9) || row.getBoolean(10),
        identity == null ? null : Set.copyOf(Arrays.asList((String[]) identity.getArray())),
        parts.stream()
            .collect(
                Collectors.toMap(PgTrackedTables::oid, one -> Long.valueOf(one.split(":")[1]))),
        parts.stream()
            .filter(one -> one.endsWith(WAS_OWN))
            .map(PgTrackedTables::oid)
            .collect(Collectors.toSet()));
  }

  private static Long oid(String partition) {
    return Long.valueOf(partition.split(":")[0]);
  }

  /** The partitions that were attached since the note was written, with rows. */
  private static Set<Long> filled(
      Connection connection, PublicationNote note, Map<Long, Member> members) throws SQLException {
    Set<Long> filled = new HashSet<>();
    for (Tracked noted : note.tables().values()) {
      Member member = members.get(noted.member());
      if (member != null && noted.partitions() != null) {
        for (Long one : member.partitions().keySet()) {
          boolean isNoted =
              Objects.equals(noted.partitions().get(one), member.partitions().get(one));
          if (!isNoted
              && PgPartitions.hasEarlierRows(connection, one, member.attached().contains(one))) {
            filled.add(one);
          }
        }
      }
    }
    return filled;
  }

  private boolean isAsNoted() {
    return note.tables().entrySet().stream()
        .filter(entry -> entry.getValue().isKnown())
        .allMatch(
            entry -> {
              Member member = members.get(entry.getValue().member());
              return member != null && member.name().equals(entry.getKey());
            });
  }

  /** Adds where the noted tables are, and which tables have their names. */
  private PgTrackedTables withTables(Connection connection) throws SQLException {
    Object[] oids = note.tables().values().stream().map(Tracked::table).toArray();
    Object[] schemas = note.tables().keySet().stream().map(TableName::schema).toArray();
    Object[] names = note.tables().keySet().stream().map(TableName::table).toArray();
    Map<Long, TableName> renamedTo = new HashMap<>();
    Map<TableName, Long> oidOf = new HashMap<>();
    try (PreparedStatement statement = connection.prepareStatement(TABLES)) {
      statement.setArray(1, connection.createArrayOf("int8", oids));
      statement.setArray(2, connection.createArrayOf("text", schemas));
      statement.setArray(3, connection.createArrayOf("text", names));
      try (ResultSet row = statement.executeQuery()) {
        while (row.next()) {
          TableName name = new TableName(row.getString(2), row.getString(3));
          renamedTo.put(row.getLong(1), name);
          oidOf.put(name, row.getLong(1));
        }
      }
    }
    return new PgTrackedTables(
        publication, version, lacks, note, members, filled, renamedTo, oidOf);
  }

  /** Whether somebody else has altered the publication. */
  boolean isAltered() {
    return lacks != null || note.version() != null && !note.version().equals(version);
  }

  Optional<Member> memberNamed(TableName name) {
    return members.values().stream().filter(member -> member.name().equals(name)).findFirst();
  }

  /** The tables of which the stream carries changes, by the names under which they are tracked. */
  Set<TableName> captured() {
    return adopted(() -> "").tables().entrySet().stream()
        .filter(entry -> members.containsKey(entry.getValue().member()))
        .map(Map.Entry::getKey)
        .collect(Collectors.toSet());
  }

  /** The note, where what an earlier release did not note is taken as it is now. */
  PublicationNote adopted(Supplier<String> ids) {
    Map<TableName, Tracked> tables = new TreeMap<>();
    note.tables()
        .forEach(
            (name, noted) -> {
              if (noted.isKnown()) {
                tables.put(name, withNewPartitions(noted));
              } else {
                memberNamed(name)
                    .ifPresent(
                        one ->
                            tables.put(
                                name,
                                new Tracked(ids.get(), one.oid(), one.table(), one.partitions())));
              }
            });
    return new PublicationNote(tables, note.pending(), note.version());
  }

  /** With the partitions that were created or attached since, and had no rows. */
  private Tracked withNewPartitions(Tracked noted) {
    Member member = members.get(noted.member());
    if (member == null) {
      return noted;
    }
    Map<Long, Long> all = new HashMap<>(member.partitions());
    all.keySet().removeAll(filled);
    if (noted.partitions() != null) {
      // One that was detached and attached again stays missing.
      all.putAll(noted.partitions());
    }
    return noted.with(all);
  }

  /** Whether there are partitions that ought to be noted. */
  boolean hasNewPartitions() {
    return note.isComplete() && !adopted(() -> "").equals(note);
  }

  /** Whether every partition that a table had is there, and none has come with rows. */
  boolean hasItsPartitions(Tracked noted) {
    Member member = members.get(noted.member());
    return member != null
        && missingPartitions(noted, member).isEmpty()
        && filledPartitions(member).isEmpty();
  }

  private static Set<Long> missingPartitions(Tracked noted, Member member) {
    Map<Long, Long> missing =
        new HashMap<>(Objects.requireNonNullElse(noted.partitions(), Map.<Long, Long>of()));
    missing.entrySet().removeAll(member.partitions().entrySet());
    return missing.keySet();
  }

  private Set<Long> filledPartitions(Member member) {
    Set<Long> found = new HashSet<>(member.partitions().keySet());
    found.retainAll(filled);
    return found;
  }

  /** The name under which a table's changes are written. */
  TableName trackedName(Member member) {
    return note.nameOf(member.table()).orElse(member.name());
  }

  TrackedTables view() {
    Map<TableName, TrackedTable> tables = new TreeMap<>();
    note.tables()
        .forEach(
            (name, noted) -> {
              Member member =
                  noted.isKnown() ? members.get(noted.member()) : memberNamed(name).orElse(null);
              tables.put(
                  name,
                  new TrackedTable(
                      noted.id(),
                      Optional.ofNullable(member).map(Member::identity),
                      fault(name, noted, member)));
            });
    return new TrackedTables(publication, version != null, tables);
  }

  private Optional<TrackingFault> fault(TableName name, Tracked noted, @Nullable Member member) {
    if (member == null) {
      return Optional.of(TrackingFault.missing(whyMissing(name, noted)));
    }
    if (member.isPartial()) {
      return Optional.of(TrackingFault.missing(partial(name)));
    }
    if (isAltered()) {
      return Optional.of(
          TrackingFault.missing(
              lacks == null
                  ? "publication " + publication + " was altered, and may have lacked changes"
                  : "publication " + publication + " does not publish " + lacks));
    }
    if (!filledPartitions(member).isEmpty()) {
      return Optional.of(
          TrackingFault.missing("table " + name + " was given a partition that had rows already"));
    }
    if (!missingPartitions(noted, member).isEmpty()) {
      return Optional.of(
          TrackingFault.removed("a partition of table " + name + " was detached or dropped"));
    }
    if (!member.name().equals(name)) {
      return Optional.of(
          TrackingFault.undone(
              "table " + name + " was renamed to " + member.name(),
              "rename it back, or name the new table in the configuration"));
    }
    return Optional.empty();
  }

  private String partial(TableName name) {
    return "publication "
        + publication
        + " has a row filter or a column list for table "
        + name
        + ", which hides changes";
  }

  private String whyMissing(TableName name, Tracked noted) {
    TableName present = renamed.get(noted.table());
    Long other = named.get(name);
    if (present == null) {
      return "table " + name + (other == null ? " was dropped" : " was dropped and created again");
    }
    return members.values().stream()
        .filter(member -> member.table() == noted.table())
        .findFirst()
        .map(
            again ->
                again.isPartial()
                    ? partial(name)
                    : "table "
                        + name
                        + " was removed from publication "
                        + publication
                        + " for a time")
        .orElse("table " + name + " was removed from publication " + publication);
  }
}
