package io.tidemark.sync;

import io.tidemark.postgres.ColumnShape;
import io.tidemark.postgres.TableShape;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Lays a definition over the two tables as they are: which column goes where, and what is the key.
 * Pure; what it cannot do, it says as findings.
 */
final class MappingPlan {
  private final SyncDefinition definition;
  private final TableShape source;
  private final TableShape target;
  private final List<Finding> findings = new ArrayList<>();

  MappingPlan(SyncDefinition definition, TableShape source, TableShape target) {
    this.definition = definition;
    this.source = source;
    this.target = target;
  }

  List<Finding> findings() {
    return findings;
  }

  /** The mapping, or empty if a finding is an error. */
  Optional<TableMapping> mapping() {
    Map<String, TableMapping.Pair> pairs = pairs();
    List<TableMapping.Pair> key = key(pairs);
    if (findings.stream().anyMatch(Finding::isError) || key.isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(
        new TableMapping(source, target, List.copyOf(pairs.values()), key, definition.rowFilter()));
  }

  private Map<String, TableMapping.Pair> pairs() {
    ColumnSelection selection = definition.columns();
    for (String named : selection.named()) {
      if (source.column(named).isEmpty()) {
        missing("columns", named, source);
      }
    }
    Map<String, TableMapping.Pair> pairs = new LinkedHashMap<>();
    List<String> leftOut = new ArrayList<>();
    for (ColumnShape column : source.columns()) {
      Optional<String> targetName = selection.targetOf(column.name());
      if (targetName.isEmpty()) {
        continue;
      }
      Optional<ColumnShape> other = target.column(targetName.get());
      boolean isNamed = selection.named().contains(column.name());
      if (other.isPresent() && other.get().isWritable()) {
        pairs.put(column.name(), new TableMapping.Pair(column, other.get()));
      } else if (isNamed && other.isPresent()) {
        computed(targetName.get());
      } else if (isNamed) {
        missing("columns", targetName.get(), target);
      } else if (other.isEmpty()) {
        leftOut.add(column.name());
      }
    }
    if (!leftOut.isEmpty() && definition.schemaEvolution() == SchemaEvolution.NONE) {
      findings.add(
          Finding.warning(
              "columns",
              "columns_left_out",
              "the target has no column " + String.join(", ", leftOut),
              "Add it to " + target.name() + " if it is to be kept in step"));
    }
    return pairs;
  }

  private List<TableMapping.Pair> key(Map<String, TableMapping.Pair> pairs) {
    List<String> names = definition.keyColumns().isEmpty() ? source.key() : definition.keyColumns();
    if (names.isEmpty()) {
      findings.add(
          Finding.error(
              "source_table",
              "no_key",
              source.name() + " has no primary key and no unique index over not-null columns",
              "Add a primary key to it, or name columns that tell its rows apart in key_columns"));
    }
    List<TableMapping.Pair> key = new ArrayList<>();
    for (String name : names) {
      TableMapping.Pair pair = pairs.get(name);
      if (pair != null) {
        key.add(pair);
      } else if (source.column(name).isEmpty()) {
        missing("key_columns", name, source);
      } else {
        findings.add(
            Finding.error(
                definition.columns().named().isEmpty() ? "target_table" : "columns",
                "key_not_mapped",
                "the key's column '" + name + "' goes into no column of " + target.name(),
                "Every column of the key must be kept in step: add it to the target or to columns"));
      }
    }
    return key;
  }

  private void missing(String field, String column, TableShape table) {
    String has = table.columns().stream().map(ColumnShape::name).collect(Collectors.joining(", "));
    findings.add(
        Finding.error(
            field,
            "column_missing",
            table.name() + " has no column '" + column + "'",
            "It has: " + has));
  }

  private void computed(String column) {
    findings.add(
        Finding.error(
            "columns",
            "column_computed",
            "'" + column + "' of " + target.name() + " is computed by the target",
            "Leave it out of columns"));
  }
}
