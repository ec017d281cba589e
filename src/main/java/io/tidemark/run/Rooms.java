package io.tidemark.run;

import io.tidemark.apply.ApplySettings;
import io.tidemark.apply.ApplyTask;
import io.tidemark.capture.ChangeTracker;
import io.tidemark.change.OperatingFailure;
import io.tidemark.change.TopicName;
import io.tidemark.change.WireName;
import io.tidemark.conflict.ConflictDetection;
import io.tidemark.conflict.ConflictLog;
import io.tidemark.conflict.ConflictPolicy;
import io.tidemark.conflict.ConflictResolution;
import io.tidemark.copy.CopySettings;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.sync.ConnectionRegistry;
import io.tidemark.sync.JdbcChangeTracking;
import io.tidemark.sync.JdbcSyncConfigurations;
import io.tidemark.sync.SyncConfiguration;
import io.tidemark.sync.SyncDefinition;
import io.tidemark.sync.TableMapping;
import java.time.InstantSource;
import java.util.Map;
import java.util.UUID;

/**
 * What running syncs takes: the stores, the rooms that do the work, and how they are set.
 *
 * @param kafka settings of every Kafka client
 */
public record Rooms(
    JdbcSyncConfigurations configurations,
    JdbcExecutions executions,
    JdbcChangeTracking tracking,
    ConnectionRegistry connections,
    Acceptance acceptance,
    ChangeTracker tracker,
    JdbcParkedRows parkedRows,
    Map<String, Object> kafka,
    String topicPrefix,
    ApplySettings apply,
    CopySettings copy,
    InstantSource clock) {
  public Rooms {
    kafka = Map.copyOf(kafka);
  }

  PgDatabase source(SyncDefinition definition) {
    return database(definition.sourceConnection());
  }

  PgDatabase target(SyncDefinition definition) {
    return database(definition.targetConnection());
  }

  private PgDatabase database(String name) {
    return connections
        .find(name)
        .orElseThrow(
            () ->
                new OperatingFailure(
                    OperatingFailure.Kind.USER,
                    "connection_unknown",
                    "there is no connection named '" + name + "'",
                    "create it, or name another one in the configuration",
                    null));
  }

  String topic(SyncDefinition definition) {
    return TopicName.of(topicPrefix, definition.sourceConnection(), definition.source());
  }

  ApplyTask task(SyncConfiguration configuration) {
    SyncDefinition definition = configuration.definition();
    return new ApplyTask(
        configuration.id(),
        definition.sourceConnection(),
        target(definition),
        topic(definition),
        definition.deleteHandling(),
        definition.batchSize());
  }

  /** Who wins where both sides wrote a row. */
  ConflictPolicy policy(SyncConfiguration configuration) {
    SyncDefinition definition = configuration.definition();
    boolean byTime = definition.conflictResolution() == ConflictResolution.TIMESTAMP;
    return new ConflictPolicy(
        definition.conflictResolution(),
        ConflictDetection.EXISTENCE,
        byTime ? targetNameOf(definition, definition.timestampColumn()) : null,
        false);
  }

  private String targetNameOf(SyncDefinition definition, String sourceColumn) {
    return definition.columns().targetOf(sourceColumn).orElse(sourceColumn);
  }

  /** Where the configuration's conflicts are on record. */
  ConflictLog conflictLog(SyncConfiguration configuration) {
    // There is none yet: a merge that finds two rows that differ fails, and changes nothing.
    return ConflictLog.none();
  }

  /** The tables as both databases have them now. */
  TableMapping mapping(SyncDefinition definition) {
    return acceptance
        .inspect(definition)
        .orElseThrow(
            refusal ->
                new OperatingFailure(
                    OperatingFailure.Kind.USER,
                    WireName.of(refusal.reason()),
                    refusal.detail(),
                    null,
                    null))
        .mapping();
  }

  /** A lookup for log lines. */
  static String label(UUID id, SyncDefinition definition) {
    return definition.name() + " (" + id + ")";
  }
}
