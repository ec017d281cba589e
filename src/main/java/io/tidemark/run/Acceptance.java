package io.tidemark.run;

import io.tidemark.change.WireName;
import io.tidemark.conflict.ConflictResolution;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.sync.ConnectionRegistry;
import io.tidemark.sync.FieldError;
import io.tidemark.sync.Finding;
import io.tidemark.sync.Outcome;
import io.tidemark.sync.PgPreFlight;
import io.tidemark.sync.PreFlightReport;
import io.tidemark.sync.Refusal;
import io.tidemark.sync.SchemaEvolution;
import io.tidemark.sync.SyncDefinition;
import io.tidemark.sync.TableMapping;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Decides whether a definition can work here and now. */
public final class Acceptance {
  private final ConnectionRegistry connections;
  private final PgPreFlight preFlight;

  public Acceptance(ConnectionRegistry connections, PgPreFlight preFlight) {
    this.connections = connections;
    this.preFlight = preFlight;
  }

  /** A definition that both databases agree to. */
  public record Accepted(TableMapping mapping, List<Finding> warnings) {
    public Accepted {
      warnings = List.copyOf(warnings);
    }
  }

  /** The mapping and what to beware of, or everything that stands in the way. */
  public Outcome<Accepted> inspect(SyncDefinition definition) {
    List<FieldError> errors = notAvailable(definition);
    if (!errors.isEmpty()) {
      return Outcome.refused(Refusal.database(errors));
    }
    Optional<PgDatabase> source = find("source_connection", definition.sourceConnection(), errors);
    Optional<PgDatabase> target = find("target_connection", definition.targetConnection(), errors);
    if (source.isEmpty() || target.isEmpty()) {
      return Outcome.refused(Refusal.database(errors));
    }
    PreFlightReport report = preFlight.inspect(definition, source.get(), target.get());
    return report
        .mapping()
        .map(mapping -> Outcome.of(new Accepted(mapping, report.warnings())))
        .orElseGet(() -> Outcome.refused(Refusal.ofFindings(report.findings())));
  }

  private Optional<PgDatabase> find(String field, String name, List<FieldError> errors) {
    Optional<PgDatabase> found = connections.find(name);
    if (found.isEmpty()) {
      errors.add(
          new FieldError(
              field,
              "there is no connection '"
                  + name
                  + "'. There are: "
                  + connections.names()
                  + "; make it with POST /connections or in the settings"));
    }
    return found;
  }

  private static List<FieldError> notAvailable(SyncDefinition definition) {
    List<FieldError> errors = new ArrayList<>();
    if (definition.conflictResolution() != ConflictResolution.SOURCE_WINS) {
      errors.add(
          notAvailable(
              "conflict_resolution", WireName.of(definition.conflictResolution()), "source_wins"));
    }
    if (definition.bidirectional()) {
      errors.add(notAvailable("bidirectional", "true", "false"));
    }
    if (definition.schemaEvolution() != SchemaEvolution.NONE) {
      errors.add(
          notAvailable("schema_evolution", WireName.of(definition.schemaEvolution()), "none"));
    }
    if (definition.rowFilter() != null && definition.needsCapture()) {
      // The stream does not evaluate it yet, and rows outside the filter must not reach the target.
      errors.add(
          new FieldError(
              "row_filter",
              "'row_filter' is not available yet where changes flow: leave it out, use sync_strategy"
                  + " full, or merge with a sync_interval_seconds"));
    }
    return errors;
  }

  private static FieldError notAvailable(String field, String value, String instead) {
    return new FieldError(
        field, "'" + field + "': " + value + " is not available yet; use " + instead);
  }
}
