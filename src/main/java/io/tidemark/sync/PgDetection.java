package io.tidemark.sync;

import io.tidemark.change.WireName;
import io.tidemark.conflict.ConflictDetection;
import io.tidemark.conflict.ConflictResolution;
import io.tidemark.conflict.DetectionChoice;
import io.tidemark.postgres.TableShape;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Chooses how a definition's conflicts are told: as the user says if both databases allow it, else
 * the strongest way that they do.
 */
final class PgDetection {
  // The log's old row is that of the partition that holds it, not of the table above.
  private static final String FULL_IDENTITY =
      """
      select bool_and(c.relreplident = 'f')
      from pg_catalog.pg_class c
      where c.oid = ?::oid and c.relkind = 'r'
        or c.oid in (
          select p.relid
          from pg_catalog.pg_partition_tree(?::oid::regclass) p
          where p.isleaf)
      """;

  private final SyncDefinition definition;
  private final TableMapping mapping;
  private final PgOriginFacts origins;
  private final boolean hasFullIdentity;
  private final Optional<String> timestamp;

  private PgDetection(
      SyncDefinition definition,
      TableMapping mapping,
      PgOriginFacts origins,
      boolean hasFullIdentity) {
    this.definition = definition;
    this.mapping = mapping;
    this.origins = origins;
    this.hasFullIdentity = hasFullIdentity;
    timestamp = mapping.timestampColumn(definition.timestampColumn());
  }

  /**
   * @param self the configuration that has the definition; null if it is a new one
   */
  static PgDetection of(
      SyncDefinition definition,
      TableMapping mapping,
      Connection source,
      Connection target,
      @Nullable UUID self)
      throws SQLException {
    return new PgDetection(
        definition,
        mapping,
        PgOriginFacts.of(target, self),
        hasFullIdentity(source, mapping.source()));
  }

  private static boolean hasFullIdentity(Connection source, TableShape table) throws SQLException {
    try (PreparedStatement statement = source.prepareStatement(FULL_IDENTITY)) {
      statement.setLong(1, table.oid());
      statement.setLong(2, table.oid());
      try (ResultSet row = statement.executeQuery()) {
        row.next();
        return row.getBoolean(1);
      }
    }
  }

  /** What the definition asks for and the databases do not allow. */
  List<Finding> findings() {
    List<Finding> findings = new ArrayList<>();
    String asked = WireName.of(definition.conflictDetection());
    switch (definition.conflictDetection()) {
      case ORIGIN -> {
        if (!origins.areUsable()) {
          findings.add(notAllowed(asked, sentence(origins.obstacles()), remedyOfOrigins()));
        }
      }
      case BEFORE_IMAGE -> {
        if (!hasFullIdentity) {
          findings.add(notAllowed(asked, noOldRows(), remedyOfOldRows()));
        }
      }
      case TIMESTAMP -> {
        if (timestamp.isEmpty()) {
          findings.add(notAllowed(asked, noTimestamp(), remedyOfTimestamp()));
        }
      }
      case AUTO, EXISTENCE -> {
        // Any two databases allow these.
      }
    }
    if (definition.conflictResolution() == ConflictResolution.TIMESTAMP && timestamp.isEmpty()) {
      findings.add(
          Finding.error(
              "timestamp_column",
              "timestamp_column_unusable",
              "conflict_resolution timestamp compares the rows by a column, and " + noTimestamp(),
              remedyOfTimestamp()));
    }
    if (definition.mergeColumns() && !hasFullIdentity) {
      findings.add(
          Finding.error(
              "merge_columns",
              "base_unknown",
              "merge_columns needs the row that a change started from, and " + noOldRows(),
              remedyOfOldRows()));
    }
    return findings;
  }

  private static Finding notAllowed(String mode, String why, String fix) {
    return Finding.error(
        "conflict_detection",
        "detection_not_possible",
        "conflict_detection " + mode + " is not possible: " + why,
        fix + ", or use conflict_detection auto");
  }

  /** The choice, for a definition without findings. */
  DetectionChoice choice() {
    ConflictDetection asked = definition.conflictDetection();
    if (asked != ConflictDetection.AUTO) {
      return new DetectionChoice(
          asked, "the configuration asks for " + WireName.of(asked), strongerThan(asked));
    }
    ConflictDetection strongest = strongest();
    return new DetectionChoice(strongest, reason(strongest), strongerThan(strongest));
  }

  private ConflictDetection strongest() {
    if (origins.areUsable()) {
      return ConflictDetection.ORIGIN;
    }
    if (hasFullIdentity) {
      return ConflictDetection.BEFORE_IMAGE;
    }
    return timestamp.isPresent() ? ConflictDetection.TIMESTAMP : ConflictDetection.EXISTENCE;
  }

  private String reason(ConflictDetection mode) {
    return switch (mode) {
      case ORIGIN -> "the target tells for every row who wrote it last";
      case BEFORE_IMAGE ->
          "the source sends the row as it was before; origin is not possible: "
              + sentence(origins.obstacles());
      case TIMESTAMP ->
          "both tables have "
              + definition.timestampColumn()
              + "; origin is not possible: "
              + sentence(origins.obstacles());
      case EXISTENCE, AUTO ->
          "nothing tells who wrote a row, only whether it is there; origin is not possible: "
              + sentence(origins.obstacles());
    };
  }

  private @Nullable String strongerThan(ConflictDetection mode) {
    if (mode == ConflictDetection.ORIGIN) {
      return null;
    }
    String origin = "origin: " + (origins.areUsable() ? "ask for it" : remedyOfOrigins());
    if (mode == ConflictDetection.BEFORE_IMAGE) {
      return origin;
    }
    return origin + " | before_image: " + (hasFullIdentity ? "ask for it" : remedyOfOldRows());
  }

  private String remedyOfOrigins() {
    return sentence(origins.remedies());
  }

  private String noOldRows() {
    return "the log of " + mapping.source().name() + " does not hold the rows as they were before";
  }

  private String remedyOfOldRows() {
    return "alter table " + mapping.source().name() + " replica identity full";
  }

  private String noTimestamp() {
    return "'"
        + definition.timestampColumn()
        + "' is not a timestamptz, timestamp or date column of both tables";
  }

  private static String remedyOfTimestamp() {
    return "Name one that both have in timestamp_column";
  }

  private static String sentence(List<String> parts) {
    return String.join("; ", parts);
  }
}
