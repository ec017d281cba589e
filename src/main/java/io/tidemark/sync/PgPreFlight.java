package io.tidemark.sync;

import io.tidemark.change.TableName;
import io.tidemark.conflict.DetectionChoice;
import io.tidemark.postgres.ColumnShape;
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
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Asks both databases whether a definition can work, and answers everything that stands in its way,
 * each with the fix. It changes nothing in either.
 */
public final class PgPreFlight {
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
        mapping = new Inspection(definition, from, to, findings).run();
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
      SyncDefinition definition, Connection from, Connection to, List<Finding> findings) {
    @Nullable TableMapping run() throws SQLException {
      PgServer source = PgServer.of(from);
      PgServer target = PgServer.of(to);
      if (definition.needsCapture()) {
        findings.addAll(PgConnectionCheck.asSource("source_connection", source));
      }
      findings.addAll(PgConnectionCheck.asTarget("target_connection", target));
      Optional<TableShape> sourceShape = shape(from, "source_table", definition.source());
      Optional<TableShape> targetShape = shape(to, "target_table", definition.target());
      sourceShape.ifPresent(shape -> kind("source_table", shape));
      targetShape.ifPresent(shape -> kind("target_table", shape));
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
      privileges(PgTableFacts.of(from, read), read, source.role());
      MappingPlan plan = new MappingPlan(definition, read, written);
      Optional<TableMapping> mapping = plan.mapping();
      findings.addAll(plan.findings());
      target(PgTableFacts.of(to, written), written, mapping, target.role());
      if (mapping.isPresent()) {
        capturable(PgTableFacts.of(from, read), mapping.get(), source.role());
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

    private void kind(String field, TableShape shape) {
      boolean isTable = shape.relationKind() == 'r' || shape.relationKind() == 'p';
      if (!isTable) {
        add(
            field,
            "not_a_table",
            shape.name() + " is a view or a foreign table",
            "Name the table behind it: only ordinary and partitioned tables can be kept in step");
      } else if (shape.persistence() != 'p') {
        add(
            field,
            "not_permanent",
            shape.name() + " is unlogged or temporary, so its rows do not survive a crash",
            "alter table " + shape.name() + " set logged");
      }
    }

    private void privileges(PgTableFacts facts, TableShape table, String role) {
      String grants = facts.grants(List.of("usage", "select"), table, role);
      if (!grants.isEmpty()) {
        add(
            "source_table",
            "no_privilege",
            "the source connection's role may not read " + table.name(),
            grants);
      }
    }

    private void target(
        PgTableFacts facts, TableShape table, Optional<TableMapping> mapping, String role) {
      List<String> needed =
          new ArrayList<>(List.of("usage", "select", "insert", "update", "delete"));
      if (definition.truncateTarget()) {
        needed.add("truncate");
      }
      String grants = facts.grants(needed, table, role);
      if (!grants.isEmpty()) {
        needed.removeAll(facts.privileges());
        add(
            "target_table",
            "no_privilege",
            "the target connection's role lacks "
                + String.join(", ", needed)
                + " on "
                + table.name(),
            grants);
      }
      if (definition.schemaEvolution() == SchemaEvolution.ADD_COLUMNS
          && !facts.privileges().contains("owner")) {
        add(
            "schema_evolution",
            "no_privilege",
            "only the owner of " + table.name() + " may add columns to it",
            "grant " + facts.owner() + " to " + role + ", or use schema_evolution none");
      }
      mapping.ifPresent(found -> targetKeyAndColumns(facts, table, found));
    }

    private void targetKeyAndColumns(PgTableFacts facts, TableShape table, TableMapping mapping) {
      List<String> key = mapping.targetKeyNames();
      if (facts.uniqueKeys().stream().noneMatch(unique -> key.containsAll(unique))) {
        add(
            "target_table",
            "no_key",
            table.name() + " has no unique index over the key (" + String.join(", ", key) + ")",
            "Add a primary key or a unique index over these columns to it");
      }
      List<String> written = mapping.targetNames();
      List<String> forgotten =
          facts.required().stream().filter(column -> !written.contains(column)).sorted().toList();
      if (!forgotten.isEmpty()) {
        add(
            "target_table",
            "column_required",
            String.join(", ", forgotten)
                + " of "
                + table.name()
                + " must not be null, has no default and gets no value",
            "Give it a default, let it be null, or map a source column to it");
      }
    }

    private void capturable(PgTableFacts facts, TableMapping mapping, String role) {
      if (!definition.needsCapture()) {
        return;
      }
      TableShape table = mapping.source();
      List<String> key = mapping.key().stream().map(pair -> pair.source().name()).toList();
      if (!facts.identity().containsAll(key)) {
        add(
            "source_table",
            "replica_identity",
            "the log of "
                + table.name()
                + " does not tell which row was changed: its replica identity lacks "
                + key.stream()
                    .filter(column -> !facts.identity().contains(column))
                    .collect(Collectors.joining(", ")),
            "alter table " + table.name() + " replica identity full, or using index …");
      }
      List<String> computed =
          mapping.columns().stream()
              .map(TableMapping.Pair::source)
              .filter(column -> !column.isWritable())
              .map(ColumnShape::name)
              .toList();
      if (!computed.isEmpty()) {
        add(
            "columns",
            "column_computed",
            "the log of "
                + table.name()
                + " does not have what it computes itself: "
                + String.join(", ", computed),
            "Have the target compute it likewise (generated always as …), or leave it out of"
                + " columns");
      }
      if (!facts.privileges().contains("owner")) {
        add(
            "source_table",
            "no_privilege",
            "only the owner of " + table.name() + " may add it to a publication",
            "grant " + facts.owner() + " to " + role + " (or make that role a superuser)");
      }
    }
  }
}
