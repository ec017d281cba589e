package io.tidemark.sync;

import io.tidemark.postgres.TableShape;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * What a target table does by itself with what is written to it: policies, rules, triggers, keys.
 */
final class PgTargetEffects {
  private static final String FIELD = "target_table";

  /** What fires in a session of the replica role, and in an ordinary one. */
  private static final String FIRES_FOR_REPLICAS = "{A,R}";

  private static final String FIRES_FOR_OTHERS = "{A,O}";

  private static final String HIDDEN =
      """
      select c.relname
      from pg_catalog.pg_class c
      where c.oid = ?::oid and pg_catalog.row_security_active(c.oid)
      """;

  // A row's triggers are those of the partition that takes it.
  private static final String TRIGGERS =
      """
      select quote_ident(t.tgname)
      from pg_catalog.pg_trigger t
      where not t.tgisinternal
        and t.tgenabled = ?::"char"
        and (t.tgrelid = ?::oid
          or t.tgtype & 1 = 1
            and t.tgrelid in (
              select p.relid
              from pg_catalog.pg_partition_tree(?::oid::regclass) p
              where p.isleaf))
      group by 1
      order by 1
      """;

  // "on conflict" is refused for a rule of updates even if it is disabled.
  private static final String RULES =
      """
      select quote_ident(r.rulename)
      from pg_catalog.pg_rewrite r
      where r.ev_class = ?::oid
        and (r.ev_type = '2'
          or r.ev_type in ('3', '4') and r.ev_enabled::text = any (?::text[]))
      order by 1
      """;

  // Before PostgreSQL 18 every foreign key is enforced.
  private static final String FOREIGN_KEYS =
      """
      select quote_ident(k.conname) || format(' of %I.%I', n.nspname, c.relname)
      from pg_catalog.pg_constraint k
      join pg_catalog.pg_class c on c.oid = k.conrelid
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where k.contype = 'f'
        and (k.conparentid = 0 or c.relispartition)
        and coalesce((to_jsonb(k) ->> 'conenforced')::boolean, true)
        and (k.conrelid = ?::oid or k.confrelid = ?::oid)
      order by 1
      """;

  private static final String REFERRING =
      """
      select format('%I.%I', n.nspname, c.relname)
      from pg_catalog.pg_constraint k
      join pg_catalog.pg_class c on c.oid = k.conrelid
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where k.contype = 'f' and k.confrelid = ?::oid and k.conrelid <> k.confrelid
      group by 1
      order by 1
      """;

  private static final String BOUNDS =
      """
      select coalesce(pg_catalog.pg_get_expr(c.relpartbound, c.oid), '')
      from pg_catalog.pg_class c
      where c.oid = ?::oid
      """;

  private static final String BYTES =
      """
      select sum(pg_catalog.pg_relation_size(p.relid))::int8
      from (
        select ?::oid as relid
        union
        select t.relid from pg_catalog.pg_partition_tree(?::oid::regclass) t) p
      """;

  private static final String TEMPORARY_BYTES_MAX =
      """
      select s.setting::int8 * 1024
      from pg_catalog.pg_settings s
      where s.name = 'temp_file_limit' and s.setting::int8 >= 0
      """;

  private final SyncDefinition definition;
  private final Connection from;
  private final Connection to;
  private final TableShape read;
  private final TableShape written;
  private final PgServer server;
  private final List<Finding> findings = new ArrayList<>();

  /**
   * @param server the target's
   */
  PgTargetEffects(
      SyncDefinition definition,
      Connection from,
      Connection to,
      TableShape read,
      TableShape written,
      PgServer server) {
    this.definition = definition;
    this.from = from;
    this.to = to;
    this.read = read;
    this.written = written;
    this.server = server;
  }

  List<Finding> inspect() throws SQLException {
    rowSecurity();
    rules();
    triggers();
    foreignKeys();
    heirs();
    bounds();
    space();
    return List.copyOf(findings);
  }

  private void rowSecurity() throws SQLException {
    if (!PgAsk.texts(to, HIDDEN, written.oid()).isEmpty()) {
      findings.add(
          Finding.error(
              FIELD,
              "row_security",
              "row security of " + written.name() + " is for the target connection's role as well",
              "alter role " + server.role() + " bypassrls"));
    }
  }

  private void rules() throws SQLException {
    String fires = server.mayReplicate() ? FIRES_FOR_REPLICAS : FIRES_FOR_OTHERS;
    List<String> rules = PgAsk.texts(to, RULES, written.oid(), fires);
    if (!rules.isEmpty()) {
      findings.add(
          Finding.error(
              FIELD,
              "rules",
              "rules of " + written.name() + " rewrite what is written: " + PgAsk.few(rules),
              rules.stream()
                  .map(rule -> "drop rule " + rule + " on " + written.name())
                  .collect(Collectors.joining("; "))));
    }
  }

  private void triggers() throws SQLException {
    List<String> always = triggers("A");
    List<String> ordinary = server.mayReplicate() ? List.of() : triggers("O");
    List<String> ofReplicas = server.mayReplicate() ? triggers("R") : List.of();
    List<String> named = new ArrayList<>(always);
    named.addAll(ofReplicas);
    List<String> fixes = new ArrayList<>();
    if (!named.isEmpty()) {
      // An ordinary trigger does not fire in the replica role.
      fixes.add(
          "alter table "
              + written.name()
              + named.stream()
                  .map(trigger -> " enable trigger " + trigger)
                  .collect(Collectors.joining(",")));
    }
    if (!server.mayReplicate()) {
      fixes.add(server.grantReplica());
    }
    named.addAll(ordinary);
    if (!named.isEmpty()) {
      findings.add(
          Finding.warning(
              FIELD,
              "triggers_fire",
              "triggers of "
                  + written.name()
                  + " fire for synchronised rows as well: "
                  + PgAsk.few(named),
              "If they are not meant to: " + String.join("; ", fixes)));
    }
  }

  private List<String> triggers(String enabled) throws SQLException {
    return PgAsk.texts(to, TRIGGERS, enabled, written.oid(), written.oid());
  }

  private void foreignKeys() throws SQLException {
    List<String> referring = PgAsk.texts(to, REFERRING, written.oid());
    if (definition.truncateTarget() && !referring.isEmpty()) {
      findings.add(
          Finding.error(
              "truncate_target",
              "truncate_refused",
              written.name()
                  + " cannot be truncated, because foreign keys refer to it, of "
                  + PgAsk.few(referring),
              "Leave truncate_target out: the copy then deletes what the source does not have"));
    }
    if (!server.mayReplicate()) {
      List<String> checked = PgAsk.texts(to, FOREIGN_KEYS, written.oid(), written.oid());
      if (!checked.isEmpty()) {
        findings.add(
            Finding.warning(
                FIELD,
                "foreign_keys_checked",
                "a row that comes before the one it refers to is set aside, and a copy fails: the"
                    + " target checks "
                    + PgAsk.few(checked),
                server.grantReplica()));
      }
      return;
    }
    // Where the source has them too, its own deletions have gone through them.
    referring.removeAll(PgAsk.texts(from, REFERRING, read.oid()));
    if (!referring.isEmpty()) {
      findings.add(
          Finding.warning(
              FIELD,
              "foreign_keys_unchecked",
              "rows of "
                  + PgAsk.few(referring)
                  + " refer to "
                  + written.name()
                  + " at the target only, and stay when what they refer to is deleted",
              "Keep these tables in step as well, or use a role without set on"
                  + " session_replication_role"));
    }
  }

  private void heirs() throws SQLException {
    List<String> children = PgTableFacts.of(to, written).children();
    if (!children.isEmpty()) {
      findings.add(
          Finding.warning(
              FIELD,
              "inheritance_children",
              "tables inherit from "
                  + written.name()
                  + ", and changes reach their rows as well: "
                  + PgAsk.few(children),
              "alter table " + children.get(0) + " no inherit " + written.name()));
    }
  }

  private void bounds() throws SQLException {
    String bounds = PgAsk.texts(to, BOUNDS, written.oid()).get(0);
    if (!bounds.isEmpty() && !bounds.equals(PgAsk.texts(from, BOUNDS, read.oid()).get(0))) {
      findings.add(
          Finding.warning(
              FIELD,
              "partition_bounds",
              written.name() + " is a partition and takes no row but those " + bounds,
              "Name the table above it, or leave other rows out by a row_filter"));
    }
  }

  /** The disk's free space cannot be asked for; what the role may use of it for sorting can. */
  private void space() throws SQLException {
    List<String> limit = PgAsk.texts(to, TEMPORARY_BYTES_MAX);
    if (limit.isEmpty()) {
      return;
    }
    long bytes = Long.parseLong(PgAsk.texts(from, BYTES, read.oid(), read.oid()).get(0));
    if (bytes > Long.parseLong(limit.get(0))) {
      findings.add(
          Finding.warning(
              "target_connection",
              "temp_file_limit",
              "the source table has "
                  + bytes
                  + " bytes, and temp_file_limit lets the target sort "
                  + limit.get(0)
                  + ", so that a copy may fail",
              "alter role " + server.role() + " set temp_file_limit = -1"));
    }
  }
}
