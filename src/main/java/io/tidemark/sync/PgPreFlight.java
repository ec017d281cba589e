package io.tidemark.sync;

import io.tidemark.change.TableName;
import io.tidemark.conflict.DetectionChoice;
import io.tidemark.postgres.PgCatalog;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.postgres.PgFailure;
import io.tidemark.postgres.TableShape;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Asks both databases whether a definition can work, and answers everything that stands in its way,
 * each with the fix. It changes nothing in either.
 */
public final class PgPreFlight {
  private static final String NOT_PERMANENT =
      """
      select format('%I.%I', n.nspname, c.relname)
      from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where (c.oid = ?::oid
          or c.oid in (select p.relid from pg_catalog.pg_partition_tree(?::oid::regclass) p))
        and c.relpersistence <> 'p'
      order by 1
      """;

  private final UnaryOperator<String> slotOf;

  /**
   * @param slotOf the name of a source connection's replication slot, which is also that of its
   *     publication
   */
  public PgPreFlight(UnaryOperator<String> slotOf) {
    this.slotOf = slotOf;
  }

  /**
   * Inspects a definition whose connections are known. A database that cannot be reached is a
   * finding like any other.
   */
  public PreFlightReport inspect(SyncDefinition definition, PgDatabase source, PgDatabase target) {
    return inspect(definition, source, target, null);
  }

  /**
   * Likewise, for a definition that a configuration has already.
   *
   * @param self that configuration; null if it is a new one
   */
  public PreFlightReport inspect(
      SyncDefinition definition, PgDatabase source, PgDatabase target, @Nullable UUID self) {
    List<Finding> findings = new ArrayList<>();
    TableMapping mapping = null;
    DetectionChoice detection = null;
    try (Connection from = open(source, "source_connection", findings);
        Connection to = open(target, "target_connection", findings)) {
      if (from != null && to != null) {
        mapping =
            new Inspection(definition, from, to, slotOf.apply(source.connection()), findings).run();
      }
      if (mapping != null) {
        PgDetection possible = PgDetection.of(definition, mapping, from, to, self);
        findings.addAll(possible.findings());
        detection = possible.choice();
      }
    } catch (SQLException e) {
      findings.add(
          Finding.error(
              "",
              "inspection_failed",
              "a database could not be asked: " + PgFailure.describe(e),
              "See that both databases are up, and try again"));
    }
    boolean failed = findings.stream().anyMatch(Finding::isError);
    return new PreFlightReport(findings, failed ? null : mapping, failed ? null : detection);
  }

  private static @Nullable Connection open(
      PgDatabase database, String field, List<Finding> findings) {
    try {
      return database.open("pre-flight");
    } catch (SQLException e) {
      findings.add(PgConnectionCheck.unreachable(field, database, e));
      return null;
    }
  }

  /** One definition against two sessions. */
  private record Inspection(
      SyncDefinition definition,
      Connection from,
      Connection to,
      String slot,
      List<Finding> findings) {
    @Nullable TableMapping run() throws SQLException {
      PgServer source = PgServer.of(from);
      PgServer target = PgServer.of(to);
      if (definition.needsCapture()) {
        PgCaptureRoom room = PgCaptureRoom.of(from, slot);
        findings.addAll(PgConnectionCheck.asSource("source_connection", source, room));
      }
      findings.addAll(PgConnectionCheck.asTarget("target_connection", target));
      Optional<TableShape> sourceShape = shape(from, "source_table", definition.source());
      Optional<TableShape> targetShape = shape(to, "target_table", definition.target());
      kind(from, "source_table", sourceShape);
      kind(to, "target_table", targetShape);
      if (sourceShape.isEmpty()
          || targetShape.isEmpty()
          || hasErrors("source_table", "target_table")) {
        return null;
      }
      TableShape read = sourceShape.get();
      TableShape written = targetShape.get();
      if (source.identity().equals(target.identity()) && read.oid() == written.oid()) {
        add(
            "target_table",
            "same_table",
            "source and target are one table, " + read.name(),
            "Name another table or another connection");
        return null;
      }
      PgSourceCheck sourceCheck = new PgSourceCheck(definition, from, read, source.role());
      findings.addAll(sourceCheck.rows());
      MappingPlan plan = new MappingPlan(definition, read, written);
      Optional<TableMapping> mapping = plan.mapping();
      findings.addAll(plan.findings());
      findings.addAll(
          new PgTargetCheck(definition, PgTableFacts.of(to, written), written, target)
              .inspect(mapping));
      findings.addAll(new PgTargetEffects(definition, from, to, read, written, target).inspect());
      if (mapping.isPresent()) {
        findings.addAll(sourceCheck.changes(mapping.get(), slot));
        findings.addAll(PgTypeCheck.inspect(to, mapping.get().columns()));
      }
      if (definition.rowFilter() != null) {
        PgRowFilterCheck check = new PgRowFilterCheck(read, definition.rowFilter());
        findings.addAll(check.inspect(from));
        if (definition.needsCapture() && !hasErrors("row_filter")) {
          findings.addAll(check.inspectForChanges(to));
        }
      }
      return mapping.orElse(null);
    }

    private void add(String field, String code, String message, String fix) {
      findings.add(Finding.error(field, code, message, fix));
    }

    private boolean hasErrors(String... fields) {
      return findings.stream()
          .anyMatch(finding -> finding.isError() && List.of(fields).contains(finding.field()));
    }

    private Optional<TableShape> shape(Connection connection, String field, TableName table)
        throws SQLException {
      Optional<TableShape> shape = PgCatalog.shapeOf(connection, table);
      if (shape.isEmpty()) {
        String similar =
            PgTableFacts.similarTo(connection, table).stream()
                .map(TableName::toString)
                .collect(Collectors.joining(", "));
        add(
            field,
            "table_missing",
            "there is no table " + table + " in the " + side(field) + " database",
            similar.isEmpty()
                ? "Create it, or write schema.table if it is in another schema"
                : "Did you mean " + similar + "?");
      }
      return shape;
    }

    private static String side(String field) {
      return field.startsWith("source") ? "source" : "target";
    }

    private void kind(Connection connection, String field, Optional<TableShape> found)
        throws SQLException {
      if (found.isEmpty()) {
        return;
      }
      TableShape shape = found.get();
      boolean isTable = shape.relationKind() == 'r' || shape.relationKind() == 'p';
      if (!isTable) {
        add(
            field,
            "not_a_table",
            shape.name() + " is a view or a foreign table",
            "Name the table behind it: only ordinary and partitioned tables can be kept in step");
        return;
      }
      for (String name : PgAsk.texts(connection, NOT_PERMANENT, shape.oid(), shape.oid())) {
        add(
            field,
            "not_permanent",
            name + " is unlogged or temporary, so its rows do not survive a crash",
            "alter table " + name + " set logged");
      }
    }
  }
}
