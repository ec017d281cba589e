package io.tidemark.run;

import io.tidemark.change.TableName;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.sync.ConnectionRegistry;
import io.tidemark.sync.FieldError;
import io.tidemark.sync.Finding;
import io.tidemark.sync.JdbcSyncConfigurations;
import io.tidemark.sync.Outcome;
import io.tidemark.sync.PgTables;
import io.tidemark.sync.Refusal;
import io.tidemark.sync.SyncDefinition;
import io.tidemark.sync.TableSelectionJson;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Makes configurations for many tables of a schema: all of them, or none. */
public final class ConfigurationBatch {
  /** A request that makes more than this would take longer than anybody waits for it. */
  private static final int TABLES_MAX = 500;

  private final ConnectionRegistry connections;
  private final JdbcSyncConfigurations configurations;
  private final Acceptance acceptance;
  private final SyncService service;

  public ConfigurationBatch(
      ConnectionRegistry connections,
      JdbcSyncConfigurations configurations,
      Acceptance acceptance,
      SyncService service) {
    this.connections = connections;
    this.configurations = configurations;
    this.acceptance = acceptance;
    this.service = service;
  }

  /** A configuration that would be made. */
  public record Planned(SyncDefinition definition, List<Finding> warnings) {
    public Planned {
      warnings = List.copyOf(warnings);
    }
  }

  /** What would be made, or all that stands in the way, by table. Changes nothing. */
  public Outcome<List<Planned>> plan(TableSelectionJson selection) {
    return tables(selection).then(tables -> plan(selection, tables));
  }

  private Outcome<List<TableName>> tables(TableSelectionJson selection) {
    String connection = selection.sourceConnection();
    Optional<PgDatabase> source = connections.find(connection);
    if (source.isEmpty()) {
      return Outcome.refused(
          Refusal.database(
              "template.source_connection", "there is no connection '" + connection + "'"));
    }
    List<TableName> tables =
        PgTables.ofSchema(source.get(), selection.schema()).stream()
            .filter(selection::selects)
            .toList();
    if (tables.isEmpty()) {
      return Outcome.refused(
          Refusal.database(
              "schema",
              "no table of schema '"
                  + selection.schema()
                  + "' at '"
                  + connection
                  + "' is selected; look at 'include' and 'exclude', whose patterns are names as"
                  + " the catalog has them, with * and ?"));
    }
    return tables.size() <= TABLES_MAX
        ? Outcome.of(tables)
        : Outcome.refused(
            Refusal.database(
                "include",
                tables.size()
                    + " tables are selected, and a batch has "
                    + TABLES_MAX
                    + " at most; select fewer, and make more batches"));
  }

  private Outcome<List<Planned>> plan(TableSelectionJson selection, List<TableName> tables) {
    List<Planned> planned = new ArrayList<>();
    List<FieldError> errors = new ArrayList<>();
    for (TableName table : tables) {
      Outcome<Planned> outcome = selection.definition(table).then(this::plan);
      outcome.map(planned::add);
      outcome.refusal().ifPresent(refusal -> errors.addAll(of(table, refusal)));
    }
    return errors.isEmpty() ? Outcome.of(planned) : Outcome.refused(Refusal.database(errors));
  }

  private Outcome<Planned> plan(SyncDefinition definition) {
    if (configurations.findByName(definition.name()).isPresent()) {
      return Outcome.refused(ConfigurationChanges.nameTaken(definition));
    }
    Optional<Refusal> taken =
        new TargetSharing(configurations, acceptance).refusal(definition, null);
    return taken.isPresent()
        ? Outcome.refused(taken.get())
        : acceptance
            .inspect(definition)
            .map(accepted -> new Planned(definition, accepted.warnings()));
  }

  private static List<FieldError> of(TableName table, Refusal refusal) {
    List<FieldError> errors =
        refusal.errors().isEmpty()
            ? List.of(new FieldError("", refusal.detail()))
            : refusal.errors();
    return errors.stream()
        .map(one -> new FieldError(one.field(), table + ": " + one.message()))
        .toList();
  }

  /** Makes them all and starts them; if one cannot be made, none is there afterwards. */
  public Outcome<List<Overview>> create(TableSelectionJson selection) {
    return plan(selection).then(this::create);
  }

  private Outcome<List<Overview>> create(List<Planned> planned) {
    List<Overview> made = new ArrayList<>();
    try {
      for (Planned one : planned) {
        Outcome<Overview> outcome = service.create(one.definition());
        if (outcome.refusal().isPresent()) {
          made.forEach(this::remove);
          return outcome.map(List::of);
        }
        outcome.map(made::add);
      }
      return Outcome.of(made);
    } catch (RuntimeException e) {
      for (Overview one : made) {
        try {
          remove(one);
        } catch (RuntimeException stays) {
          e.addSuppressed(stays);
        }
      }
      throw e;
    }
  }

  private void remove(Overview made) {
    service
        .delete(made.configuration().id(), null)
        .orElseThrow(
            refusal ->
                new IllegalStateException(
                    made.configuration().definition().name() + " stays: " + refusal.detail()));
  }
}
