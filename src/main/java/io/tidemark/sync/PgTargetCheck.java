package io.tidemark.sync;

import io.tidemark.postgres.TableShape;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What keeps rows from being written to a target table as they are at the source. */
final class PgTargetCheck {
  private static final String FIELD = "target_table";

  private final SyncDefinition definition;
  private final TableShape table;
  private final PgTableFacts facts;
  private final PgServer server;
  private final List<Finding> findings = new ArrayList<>();

  PgTargetCheck(SyncDefinition definition, PgTableFacts facts, TableShape table, PgServer server) {
    this.definition = definition;
    this.facts = facts;
    this.table = table;
    this.server = server;
  }

  List<Finding> inspect(Optional<TableMapping> mapping) {
    privileges();
    if (mapping.isPresent()) {
      key(mapping.get());
      required(mapping.get());
    }
    return List.copyOf(findings);
  }

  private void privileges() {
    List<String> needed = new ArrayList<>(List.of("usage", "select", "insert", "update", "delete"));
    if (definition.truncateTarget()) {
      needed.add("truncate");
    }
    String grants = facts.grants(needed, table, server.role());
    if (!grants.isEmpty()) {
      needed.removeAll(facts.privileges());
      add(
          "no_privilege",
          "the target connection's role lacks " + String.join(", ", needed) + " on " + table.name(),
          grants);
    }
    if (definition.schemaEvolution() == SchemaEvolution.ADD_COLUMNS
        && !facts.privileges().contains("owner")) {
      findings.add(
          Finding.error(
              "schema_evolution",
              "no_privilege",
              "only the owner of " + table.name() + " may add columns to it",
              "grant "
                  + facts.owner()
                  + " to "
                  + server.role()
                  + ", or use schema_evolution none"));
    }
  }

  private void key(TableMapping mapping) {
    List<String> key = mapping.targetKeyNames();
    if (facts.uniqueKeys().stream().anyMatch(key::containsAll)) {
      unchecked();
      return;
    }
    Optional<PgTableFacts.DeferrableKey> deferrable =
        facts.deferrableKeys().stream()
            .filter(found -> key.containsAll(found.columns()))
            .findFirst();
    if (deferrable.isPresent()) {
      add(
          "key_deferrable",
          "the key of "
              + table.name()
              + " is deferrable ("
              + deferrable.get().constraint()
              + "), so that rows cannot be written by it",
          deferrable.get().fix(table));
      return;
    }
    add(
        "no_key",
        table.name() + " has no unique index over the key (" + String.join(", ", key) + ")",
        "Add a primary key or a unique index over these columns to it");
  }

  private void unchecked() {
    List<PgTableFacts.DeferrableKey> keys = facts.deferrableKeys();
    if (server.mayReplicate() && !keys.isEmpty()) {
      findings.add(
          Finding.warning(
              FIELD,
              "unique_unchecked",
              "PostgreSQL does not check deferrable unique constraints of "
                  + table.name()
                  + " for synchronised rows, which may repeat what the target's users wrote: "
                  + PgAsk.few(keys.stream().map(PgTableFacts.DeferrableKey::constraint).toList()),
              keys.get(0).fix(table)));
    }
  }

  private void required(TableMapping mapping) {
    List<String> written = mapping.targetNames();
    List<String> forgotten =
        facts.required().stream().filter(column -> !written.contains(column)).sorted().toList();
    if (!forgotten.isEmpty()) {
      add(
          "column_required",
          String.join(", ", forgotten)
              + " of "
              + table.name()
              + " must not be null, has no default and gets no value",
          "Give it a default, let it be null, or map a source column to it");
    }
  }

  private void add(String code, String message, String fix) {
    findings.add(Finding.error(FIELD, code, message, fix));
  }
}
