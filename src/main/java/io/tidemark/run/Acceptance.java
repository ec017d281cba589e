package io.tidemark.run;

import io.tidemark.conflict.ConflictDetection;
import io.tidemark.conflict.ConflictPolicy;
import io.tidemark.conflict.ConflictResolution;
import io.tidemark.conflict.DetectionChoice;
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
import io.tidemark.sync.SyncStrategy;
import io.tidemark.sync.TableMapping;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** Decides whether a definition can work here and now. */
public final class Acceptance {
  private final ConnectionRegistry connections;
  private final PgPreFlight preFlight;

  public Acceptance(ConnectionRegistry connections, PgPreFlight preFlight) {
    this.connections = connections;
    this.preFlight = preFlight;
  }

  /** A definition that both databases agree to. */
  public record Accepted(TableMapping mapping, DetectionChoice detection, List<Finding> warnings) {
    public Accepted {
      warnings = List.copyOf(warnings);
    }

    private Accepted with(List<Finding> more) {
      List<Finding> all = new ArrayList<>(warnings);
      all.addAll(more);
      return new Accepted(mapping, detection, all);
    }

    /** How the definition's conflicts are told and decided. */
    public ConflictPolicy policy(SyncDefinition definition) {
      boolean byTime =
          detection.mode() == ConflictDetection.TIMESTAMP
              || definition.conflictResolution() == ConflictResolution.TIMESTAMP;
      return new ConflictPolicy(
          definition.conflictResolution(),
          detection.mode(),
          byTime ? mapping.timestampColumn(definition.timestampColumn()).orElse(null) : null,
          definition.mergeColumns());
    }
  }

  Optional<PgDatabase> database(String connection) {
    return connections.find(connection);
  }

  /** Whether there is a connection of this name. */
  boolean knows(String connection) {
    return connections.find(connection).isPresent();
  }

  /** The mapping and what to beware of, or everything that stands in the way. */
  public Outcome<Accepted> inspect(SyncDefinition definition) {
    return inspect(definition, null);
  }

  /**
   * Likewise, for a definition that a configuration has or is to have.
   *
   * @param self that configuration; null if it is a new one
   */
  public Outcome<Accepted> inspect(SyncDefinition definition, @Nullable UUID self) {
    List<FieldError> errors = notTogether(definition);
    if (!errors.isEmpty()) {
      return Outcome.refused(Refusal.database(errors));
    }
    Optional<PgDatabase> source = find("source_connection", definition.sourceConnection(), errors);
    Optional<PgDatabase> target = find("target_connection", definition.targetConnection(), errors);
    if (source.isEmpty() || target.isEmpty()) {
      return Outcome.refused(Refusal.database(errors));
    }
    PreFlightReport report = preFlight.inspect(definition, source.get(), target.get(), self);
    if (report.mapping().isEmpty() || report.detection().isEmpty()) {
      return Outcome.refused(Refusal.ofFindings(report.findings()));
    }
    Accepted accepted =
        new Accepted(report.mapping().get(), report.detection().get(), report.warnings());
    if (!definition.bidirectional()) {
      return Outcome.of(accepted);
    }
    List<Finding> back = wayBack(definition, accepted, source.get(), target.get(), self);
    return back.stream().anyMatch(Finding::isError)
        ? Outcome.refused(Refusal.ofFindings(back))
        : Outcome.of(accepted.with(back));
  }

  /** What stands in the way of the target's changes to the source, and what to beware of. */
  private List<Finding> wayBack(
      SyncDefinition definition,
      Accepted accepted,
      PgDatabase source,
      PgDatabase target,
      @Nullable UUID self) {
    List<String> key = accepted.mapping().targetKeyNames();
    PreFlightReport report = preFlight.inspect(definition.reversed(key), target, source, self);
    List<Finding> findings = new ArrayList<>();
    for (Finding finding : report.findings()) {
      findings.add(
          new Finding(
              finding.severity(),
              otherSide(finding.field()),
              finding.code(),
              "for the way back, " + finding.message(),
              finding.fix()));
    }
    // Without its origin a write of ours would come back as a change of the other side.
    requireOrigin("target_connection", accepted.detection(), findings);
    report
        .detection()
        .ifPresent(detection -> requireOrigin("source_connection", detection, findings));
    return findings;
  }

  private static void requireOrigin(
      String field, DetectionChoice detection, List<Finding> findings) {
    if (detection.mode() != ConflictDetection.ORIGIN) {
      findings.add(
          Finding.error(
              field,
              "origin_needed",
              "bidirectional needs to tell who wrote a row, and " + detection.reason(),
              detection.strongerBy().orElse("Use conflict_detection auto")));
    }
  }

  private static String otherSide(String field) {
    return switch (field) {
      case "source_table" -> "target_table";
      case "target_table" -> "source_table";
      case "source_connection" -> "target_connection";
      case "target_connection" -> "source_connection";
      default -> field;
    };
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

  private static List<FieldError> notTogether(SyncDefinition definition) {
    List<FieldError> errors = new ArrayList<>();
    if (definition.bidirectional() && !definition.isContinuous()) {
      errors.add(
          new FieldError(
              "bidirectional",
              "'bidirectional' goes with a continuous merge: leave sync_interval_seconds out"));
    }
    if (definition.schemaEvolution() == SchemaEvolution.ADD_COLUMNS
        && definition.strategy() == SyncStrategy.MERGE) {
      // The rows of the target's own would have no value, and every other row would differ.
      errors.add(
          new FieldError(
              "schema_evolution",
              "'schema_evolution' add_columns goes with sync_strategy full and incremental; use"
                  + " none, and add columns to both tables yourself"));
    }
    if (definition.rowFilter() != null && definition.bidirectional()) {
      // A row outside the filter would have to be told from one that the other side has deleted.
      errors.add(
          new FieldError(
              "row_filter",
              "'row_filter' does not go with 'bidirectional': leave one of them out"));
    }
    return errors;
  }
}
