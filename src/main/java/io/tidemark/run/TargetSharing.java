package io.tidemark.run;

import io.tidemark.change.OperatingFailure;
import io.tidemark.change.TableName;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.sync.CapturedTable;
import io.tidemark.sync.DeleteHandling;
import io.tidemark.sync.JdbcSyncConfigurations;
import io.tidemark.sync.PgSameTable;
import io.tidemark.sync.Refusal;
import io.tidemark.sync.SyncConfiguration;
import io.tidemark.sync.SyncDefinition;
import io.tidemark.sync.SyncStrategy;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Which configurations write one table. A full sync deletes what its source does not have, so it
 * would delete the rows of the others; only merges, and configurations that delete nothing, may
 * share a table, and then no full sync runs.
 */
final class TargetSharing {
  private static final Logger LOG = System.getLogger(TargetSharing.class.getName());

  private final JdbcSyncConfigurations configurations;
  private final Acceptance acceptance;

  TargetSharing(JdbcSyncConfigurations configurations, Acceptance acceptance) {
    this.configurations = configurations;
    this.acceptance = acceptance;
  }

  /** Why a definition conflicts with an existing configuration, if it does. */
  Optional<Refusal> refusal(SyncDefinition definition, @Nullable UUID self) {
    return others(definition, self).stream()
        .filter(other -> !mayShare(definition, other.definition()))
        .findFirst()
        .map(other -> refusal(definition, other));
  }

  private static Refusal refusal(SyncDefinition definition, SyncConfiguration other) {
    return Refusal.database(
        "target_table",
        ("configuration '%s' writes table %s already, and each would undo what the other writes."
                + " Name another table, or let both have sync_strategy merge, or both"
                + " delete_handling ignore and neither sync_strategy full nor truncate_target")
            .formatted(other.definition().name(), definition.target()));
  }

  /** Why no full sync runs of a configuration, if it shares its table. */
  Optional<Refusal> refusalOfFull(SyncConfiguration configuration) {
    return others(configuration.definition(), configuration.id()).stream()
        .findFirst()
        .map(
            other ->
                Refusal.database(
                    "mode",
                    ("configuration '%s' writes the same table, and mode full would delete its"
                            + " rows; use merge")
                        .formatted(other.definition().name())));
  }

  /** How a configuration is copied as a whole: so that rows of others stay. */
  ExecutionMode copyMode(SyncConfiguration configuration) {
    return configuration.definition().beginsWithMerge() || refusalOfFull(configuration).isPresent()
        ? ExecutionMode.MERGE
        : ExecutionMode.FULL;
  }

  private static boolean mayShare(SyncDefinition one, SyncDefinition other) {
    boolean bothMerge =
        one.strategy() == SyncStrategy.MERGE && other.strategy() == SyncStrategy.MERGE;
    return bothMerge || deletesNothing(one) && deletesNothing(other);
  }

  private static boolean deletesNothing(SyncDefinition definition) {
    return definition.deleteHandling() == DeleteHandling.IGNORE
        && definition.strategy() != SyncStrategy.FULL
        && !definition.truncateTarget();
  }

  /** Those that write a table that this one writes, in order of creation. */
  private List<SyncConfiguration> others(SyncDefinition definition, @Nullable UUID self) {
    Places places = new Places();
    return configurations.notDeleting().stream()
        .filter(one -> !one.id().equals(self))
        .filter(
            one ->
                written(definition).stream()
                    .anyMatch(
                        mine ->
                            written(one.definition()).stream()
                                .anyMatch(theirs -> places.areSame(mine, theirs))))
        .toList();
  }

  private static List<CapturedTable> written(SyncDefinition definition) {
    CapturedTable target = new CapturedTable(definition.targetConnection(), definition.target());
    return definition.bidirectional()
        ? List.of(target, new CapturedTable(definition.sourceConnection(), definition.source()))
        : List.of(target);
  }

  /** Compares tables, and asks each database once. */
  private final class Places {
    private final Map<CapturedTable, Set<TableName>> related = new HashMap<>();
    private final Map<String, String> identities = new HashMap<>();

    boolean areSame(CapturedTable mine, CapturedTable theirs) {
      return related.computeIfAbsent(mine, this::ask).contains(theirs.table())
          && (mine.connection().equals(theirs.connection())
              || identity(mine.connection()).equals(identity(theirs.connection())));
    }

    private Set<TableName> ask(CapturedTable one) {
      try {
        return acceptance
            .database(one.connection())
            .map(database -> PgSameTable.related(database, one.table()))
            .orElse(Set.of(one.table()));
      } catch (OperatingFailure e) {
        LOG.log(Level.DEBUG, () -> "the partitions of " + one.table() + " are not known", e);
        return Set.of(one.table());
      }
    }

    private String identity(String connection) {
      return identities.computeIfAbsent(connection, this::askIdentity);
    }

    /** Of a database that is away, its address. */
    private String askIdentity(String connection) {
      Optional<PgDatabase> database = acceptance.database(connection);
      try {
        return database.map(PgSameTable::identity).orElse(connection);
      } catch (OperatingFailure e) {
        LOG.log(Level.DEBUG, () -> "connection '" + connection + "' does not answer", e);
        return database.map(one -> one.url().replaceAll("[?].*", "")).orElse(connection);
      }
    }
  }
}
