package io.tidemark.sync;

import io.tidemark.postgres.ColumnShape;
import io.tidemark.postgres.TableShape;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** What keeps a source table's rows from being read, or its changes from being captured. */
final class PgSourceCheck {
  private static final String FIELD = "source_table";

  // A copy reads each partition by itself, so each has privileges and policies of its own.
  private static final String UNREADABLE =
      """
      select format('%I.%I', n.nspname, c.relname)
      from pg_catalog.pg_partition_tree(?::oid::regclass) p
      join pg_catalog.pg_class c on c.oid = p.relid
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where p.isleaf
        and c.oid <> ?::oid
        and not has_table_privilege(c.oid, 'select')
      order by 1
      """;

  // Copies switch row security off, which refuses a table with any policy that is for the role.
  private static final String HIDDEN =
      """
      select format('%I.%I', n.nspname, c.relname)
      from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where (c.oid = ?::oid
          or c.oid in (
            select p.relid
            from pg_catalog.pg_partition_tree(?::oid::regclass) p
            where p.isleaf))
        and pg_catalog.row_security_active(c.oid)
      order by 1
      """;

  private static final String FOREIGN =
      """
      select format('%I.%I', n.nspname, c.relname)
      from pg_catalog.pg_partition_tree(?::oid::regclass) p
      join pg_catalog.pg_class c on c.oid = p.relid
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where c.relkind = 'f'
      order by 1
      """;

  private static final String PUBLISHED =
      """
      select format('%I.%I', n.nspname, c.relname)
      from pg_catalog.pg_publication b
      join pg_catalog.pg_publication_rel r on r.prpubid = b.oid
      join pg_catalog.pg_class c on c.oid = r.prrelid
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where b.pubname = ? and c.oid <> ?::oid
      """;

  private static final String PUBLISHED_ABOVE =
      PUBLISHED
          + """
            and c.oid in (select a.relid from pg_catalog.pg_partition_ancestors(?::oid::regclass) a)
          """;

  private static final String PUBLISHED_BELOW =
      PUBLISHED
          + """
            and c.oid in (select p.relid from pg_catalog.pg_partition_tree(?::oid::regclass) p)
          """;

  private final SyncDefinition definition;
  private final Connection connection;
  private final TableShape table;
  private final PgTableFacts facts;
  private final String role;
  private final List<Finding> findings = new ArrayList<>();

  PgSourceCheck(SyncDefinition definition, Connection connection, TableShape table, String role)
      throws SQLException {
    this.definition = definition;
    this.connection = connection;
    this.table = table;
    this.role = role;
    facts = PgTableFacts.of(connection, table);
  }

  /** What keeps rows from being read. */
  List<Finding> rows() throws SQLException {
    findings.clear();
    String grants = facts.grants(List.of("usage", "select"), table, role);
    if (!grants.isEmpty()) {
      add("no_privilege", "the source connection's role may not read " + table.name(), grants);
    }
    List<String> unreadable = PgAsk.texts(connection, UNREADABLE, table.oid(), table.oid());
    if (!unreadable.isEmpty()) {
      add(
          "no_privilege",
          "the source connection's role may not read partitions, which are copied one by one: "
              + PgAsk.few(unreadable),
          "grant select on " + String.join(", ", unreadable) + " to " + role);
    }
    List<String> hidden = PgAsk.texts(connection, HIDDEN, table.oid(), table.oid());
    if (!hidden.isEmpty()) {
      add(
          "row_security",
          "row security of " + PgAsk.few(hidden) + " is for the source connection's role as well",
          "alter role " + role + " bypassrls");
    }
    List<String> children = facts.children();
    if (!children.isEmpty()) {
      findings.add(
          Finding.warning(
              FIELD,
              "inheritance_children",
              "tables inherit from "
                  + table.name()
                  + ", and their rows are not kept in step with it: "
                  + PgAsk.few(children),
              "Make a configuration for each of them"));
    }
    return List.copyOf(findings);
  }

  /**
   * What keeps changes from being captured.
   *
   * @param publication the one that the source connection's tables are in
   */
  List<Finding> changes(TableMapping mapping, String publication) throws SQLException {
    findings.clear();
    if (definition.needsCapture()) {
      if (!deferrableKey(mapping)) {
        identity(mapping);
      }
      computed(mapping);
      partitions(publication);
      if (!facts.privileges().contains("owner")) {
        add(
            "no_privilege",
            "only the owner of " + table.name() + " may add it to a publication",
            "grant " + facts.owner() + " to " + role + " (or make that role a superuser)");
      }
    }
    return List.copyOf(findings);
  }

  /** Without it the server would refuse the source's own users their updates and deletions. */
  private void identity(TableMapping mapping) {
    List<String> key = mapping.key().stream().map(pair -> pair.source().name()).toList();
    for (Map.Entry<String, Set<String>> stored : facts.identities().entrySet()) {
      if (!stored.getValue().containsAll(key)) {
        add(
            "replica_identity",
            "the log of "
                + stored.getKey()
                + " does not tell which row was changed: its replica identity lacks "
                + key.stream()
                    .filter(column -> !stored.getValue().contains(column))
                    .collect(Collectors.joining(", ")),
            "alter table " + stored.getKey() + " replica identity full, or using index …");
      }
    }
  }

  /**
   * One statement may hand the keys of a deferrable constraint from row to row. The log then has
   * two rows of one key for a while, and does not say which of them a later change is about. Nor is
   * such a key a replica identity.
   */
  private boolean deferrableKey(TableMapping mapping) {
    List<String> key = mapping.key().stream().map(pair -> pair.source().name()).toList();
    if (facts.uniqueKeys().stream().anyMatch(key::containsAll)) {
      return false;
    }
    Optional<PgTableFacts.DeferrableKey> deferrable =
        facts.deferrableKeys().stream()
            .filter(found -> key.containsAll(found.columns()))
            .findFirst();
    deferrable.ifPresent(
        found ->
            add(
                "source_key_deferrable",
                "the key of "
                    + table.name()
                    + " is deferrable ("
                    + found.constraint()
                    + "), so that its log does not always tell which row was changed",
                found.fix(table)));
    return deferrable.isPresent();
  }

  private void computed(TableMapping mapping) {
    List<String> computed =
        mapping.columns().stream()
            .map(TableMapping.Pair::source)
            .filter(column -> !column.isWritable())
            .map(ColumnShape::name)
            .toList();
    if (!computed.isEmpty()) {
      findings.add(
          Finding.error(
              "columns",
              "column_computed",
              "the log of "
                  + table.name()
                  + " does not have what it computes itself: "
                  + String.join(", ", computed),
              "Have the target compute it likewise (generated always as …), or leave it out of"
                  + " columns"));
    }
  }

  private void partitions(String publication) throws SQLException {
    List<String> foreign = PgAsk.texts(connection, FOREIGN, table.oid());
    if (!foreign.isEmpty()) {
      add(
          "foreign_partition",
          "partitions are foreign tables, whose changes are not in this server's log: "
              + PgAsk.few(foreign),
          "Detach them, or use sync_strategy full");
    }
    // The publication sends a row under one name only, that of the topmost table in it.
    List<String> above =
        PgAsk.texts(connection, PUBLISHED_ABOVE, publication, table.oid(), table.oid());
    if (!above.isEmpty()) {
      add(
          "partition_published",
          table.name()
              + " is a partition of "
              + above.get(0)
              + ", which is captured, so that its changes are sent as that table's",
          "Use source_table "
              + above.get(0)
              + ", with a row_filter; or delete the configurations"
              + " of that table first");
    }
    List<String> below =
        PgAsk.texts(connection, PUBLISHED_BELOW, publication, table.oid(), table.oid());
    if (!below.isEmpty()) {
      add(
          "partition_published",
          "partitions of "
              + table.name()
              + " are captured by themselves, and would get no more changes: "
              + PgAsk.few(below),
          "Delete the configurations of these partitions first");
    }
  }

  private void add(String code, String message, String fix) {
    findings.add(Finding.error(FIELD, code, message, fix));
  }
}
