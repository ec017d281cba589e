package io.tidemark.run;

import io.tidemark.change.OperatingFailure;
import io.tidemark.change.TableName;
import io.tidemark.conflict.ConflictDetection;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.postgres.PgOrigins;
import io.tidemark.postgres.PgSession;
import io.tidemark.sync.CapturedTable;
import io.tidemark.sync.SyncConfiguration;
import io.tidemark.sync.SyncDefinition;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Removes what was made for a configuration in source and target.
 *
 * <p>INVARIANT: the target's position first. A crash in between then leaves a configuration that is
 * copied in full, and not one that streams from a capture that has ended.
 */
final class Removal {
  private static final Logger LOG = System.getLogger(Removal.class.getName());

  private final Rooms rooms;
  private final AppliedPositions positions;

  Removal(Rooms rooms, AppliedPositions positions) {
    this.rooms = rooms;
    this.positions = positions;
  }

  /**
   * Fails if the source cannot be asked: then nothing can be removed there, and nothing should be
   * elsewhere.
   */
  void requireSource(SyncConfiguration configuration) {
    String connection = configuration.definition().sourceConnection();
    rooms
        .connections()
        .find(connection)
        .filter(any -> configuration.definition().needsCapture())
        .ifPresent(
            source ->
                PgSession.open(
                        source, OperatingFailure.Kind.SOURCE, "removal", "source '" + connection)
                    .close());
  }

  /**
   * Removes all of it but what a target that is away keeps.
   *
   * @throws OperatingFailure if the source or the brokers refuse
   */
  List<LeftBehind> remove(SyncConfiguration configuration) {
    if (!configuration.definition().needsCapture()) {
      return List.of();
    }
    List<LeftBehind> left = new ArrayList<>(forget(configuration));
    release(configuration.definition(), configuration.id(), Optional.empty());
    return left;
  }

  /** Removes what can be removed, whoever is away. */
  List<LeftBehind> abandon(SyncConfiguration configuration) {
    if (!configuration.definition().needsCapture()) {
      return List.of();
    }
    List<LeftBehind> left = new ArrayList<>(forget(configuration));
    try {
      requireSource(configuration);
      release(configuration.definition(), configuration.id(), Optional.empty());
    } catch (OperatingFailure e) {
      left.add(logged(configuration, leaveSource(configuration, e)));
    }
    return left;
  }

  /** A position left behind does no harm, so a target that is gone does not hold the user up. */
  List<LeftBehind> forget(SyncConfiguration configuration) {
    try {
      positions.forget(configuration);
      dropOrigins(configuration);
      return List.of();
    } catch (OperatingFailure e) {
      LeftBehind left =
          new LeftBehind(
              configuration.definition().targetConnection(),
              "the applied position stays in the target, and does no harm, and so may replication"
                  + " origins, of which a server has only so many: "
                  + e.getMessage(),
              statementsToForget(configuration.id()));
      return List.of(logged(configuration, left));
    }
  }

  /** Statements that remove at a target what belongs to a configuration. */
  static List<String> statementsToForget(UUID configuration) {
    return List.of(
        "delete from tidemark.applied_position where configuration_id = '" + configuration + "'",
        "select pg_replication_origin_drop(roname) from pg_replication_origin where roname like '"
            + PgOrigins.prefix(configuration)
            + "%'");
  }

  private void dropOrigins(SyncConfiguration configuration) {
    if (configuration
        .detectionChoice()
        .filter(choice -> choice.mode() == ConflictDetection.ORIGIN)
        .isEmpty()) {
      // It never had any, and its role may not be allowed to ask.
      return;
    }
    SyncDefinition definition = configuration.definition();
    dropOrigins(configuration, rooms.target(definition));
    if (definition.bidirectional()) {
      dropOrigins(configuration, rooms.source(definition));
    }
  }

  private static void dropOrigins(SyncConfiguration configuration, PgDatabase database) {
    try (PgSession session =
        PgSession.open(database, OperatingFailure.Kind.TARGET, "removal", "replication origins")) {
      PgOrigins.drop(session, configuration.id());
    }
  }

  private static LeftBehind logged(SyncConfiguration configuration, LeftBehind left) {
    LOG.log(
        Level.WARNING,
        () ->
            Rooms.label(configuration.id(), configuration.definition())
                + " is removed, but in '"
                + left.connection()
                + "' "
                + left.what()
                + "; remove it there: "
                + String.join("; ", left.statements()));
    return left;
  }

  private LeftBehind leaveSource(SyncConfiguration configuration, OperatingFailure cause) {
    SyncDefinition definition = configuration.definition();
    String connection = definition.sourceConnection();
    Set<TableName> remaining = remaining(connection, configuration.id(), Optional.empty());
    if (!remaining.isEmpty()) {
      List<String> statements =
          remaining.contains(definition.source())
              ? List.of()
              : rooms.tracker().statementsToRelease(connection, definition.source());
      return new LeftBehind(
          connection, "the table stays in the publication: " + cause.getMessage(), statements);
    }
    String end = "";
    try {
      rooms.tracker().abandon(connection);
    } catch (RuntimeException e) {
      LOG.log(Level.WARNING, "the end of a capture could not be recorded", e);
      end = " (and Kafka was not told: before this source is captured again, reset its capture)";
    }
    return new LeftBehind(
        connection,
        "slot and publication stay at the source, and the slot keeps its log from being removed: "
            + cause.getMessage()
            + end,
        rooms.tracker().statementsToRelease(connection));
  }

  /** Stops capturing what no configuration needs any more. */
  void release(SyncDefinition former, UUID changed, Optional<SyncDefinition> now) {
    former.captured().stream()
        .map(CapturedTable::connection)
        .distinct()
        .forEach(connection -> release(connection, changed, now));
  }

  private void release(String connection, UUID changed, Optional<SyncDefinition> now) {
    Optional<PgDatabase> source = rooms.connections().find(connection);
    if (source.isEmpty()) {
      return;
    }
    if (remaining(connection, changed, now).isEmpty()) {
      rooms.tracker().stop(connection);
    }
    rooms.tracker().release(source.get(), () -> remaining(connection, changed, now));
  }

  private Set<TableName> remaining(String connection, UUID changed, Optional<SyncDefinition> now) {
    Stream<SyncDefinition> others =
        rooms.configurations().notDeleting().stream()
            .filter(one -> !one.id().equals(changed))
            .map(SyncConfiguration::definition);
    return Stream.concat(others, now.stream())
        .flatMap(one -> one.captured().stream())
        .filter(one -> one.connection().equals(connection))
        .map(CapturedTable::table)
        .collect(Collectors.toSet());
  }
}
