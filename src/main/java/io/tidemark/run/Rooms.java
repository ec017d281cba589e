package io.tidemark.run;

import io.tidemark.apply.ApplyPlan;
import io.tidemark.apply.ApplyPorts;
import io.tidemark.apply.ApplySettings;
import io.tidemark.apply.ApplyTask;
import io.tidemark.apply.KafkaApplyLoop;
import io.tidemark.apply.PgSourceRows;
import io.tidemark.apply.PositionBasis;
import io.tidemark.apply.TwoWayTask;
import io.tidemark.capture.ChangeTracker;
import io.tidemark.change.OperatingFailure;
import io.tidemark.change.TopicName;
import io.tidemark.change.WireName;
import io.tidemark.conflict.ConflictDetection;
import io.tidemark.conflict.ConflictLog;
import io.tidemark.conflict.ConflictPolicy;
import io.tidemark.conflict.JdbcConflictLog;
import io.tidemark.conflict.JdbcConflicts;
import io.tidemark.copy.CopySettings;
import io.tidemark.copy.TargetPreparation;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.postgres.PgOrigins;
import io.tidemark.postgres.PgReplicaRole;
import io.tidemark.sync.CapturedTable;
import io.tidemark.sync.ConnectionRegistry;
import io.tidemark.sync.JdbcChangeTracking;
import io.tidemark.sync.JdbcMappings;
import io.tidemark.sync.JdbcSyncConfigurations;
import io.tidemark.sync.Outcome;
import io.tidemark.sync.PgNewColumns;
import io.tidemark.sync.PgSchemaDrift;
import io.tidemark.sync.SyncConfiguration;
import io.tidemark.sync.SyncDefinition;
import io.tidemark.sync.TableMapping;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.InstantSource;
import java.util.Map;
import java.util.UUID;

/**
 * What running syncs takes: the stores, the rooms that do the work, and how they are set.
 *
 * @param kafka settings of every Kafka client
 * @param executionsParallel how many executions run at once in this process
 */
public record Rooms(
    JdbcSyncConfigurations configurations,
    JdbcExecutions executions,
    JdbcChangeTracking tracking,
    JdbcMappings mappings,
    ConnectionRegistry connections,
    Acceptance acceptance,
    ChangeTracker tracker,
    JdbcParkedRows parkedRows,
    JdbcConflicts conflicts,
    ConflictDecisions decisions,
    JdbcRecordMarks recordMarks,
    Map<String, Object> kafka,
    String topicPrefix,
    ApplySettings apply,
    CopySettings copy,
    int executionsParallel,
    InstantSource clock) {
  private static final Logger LOG = System.getLogger(Rooms.class.getName());

  public Rooms {
    kafka = Map.copyOf(kafka);
  }

  PgDatabase source(SyncDefinition definition) {
    return database(definition.sourceConnection());
  }

  PgDatabase target(SyncDefinition definition) {
    return database(definition.targetConnection());
  }

  PgDatabase database(String name) {
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

  /**
   * Makes sure that the source table is tracked, and answers what a copy that begins after this can
   * base its positions on.
   */
  PositionBasis track(SyncConfiguration configuration) {
    SyncDefinition definition = configuration.definition();
    return track(
        configuration, new CapturedTable(definition.sourceConnection(), definition.source()));
  }

  /** The same of the target table, whose changes go back to the source. */
  PositionBasis trackBack(SyncConfiguration configuration) {
    SyncDefinition definition = configuration.definition();
    return track(
        configuration, new CapturedTable(definition.targetConnection(), definition.target()));
  }

  private PositionBasis track(SyncConfiguration configuration, CapturedTable one) {
    String id =
        tracker.ensureTracked(
            database(one.connection()),
            one.table(),
            () -> configurations.isWanted(configuration.id(), one));
    return new PositionBasis(id, configuration.definition().target());
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
        schemaTopic(definition.sourceConnection()),
        definition.deleteHandling(),
        definition.batchSize());
  }

  /** The topic of what the target's users change, where changes flow both ways. */
  String topicBack(SyncDefinition definition) {
    return TopicName.of(topicPrefix, definition.targetConnection(), definition.target());
  }

  /** The topic of the schemas that a connection's changes name. */
  private String schemaTopic(String connection) {
    return TopicName.schemasOf(topicPrefix, connection);
  }

  /** The way back of a configuration of both directions, for readers of its topic. */
  ApplyTask taskBack(SyncConfiguration configuration) {
    SyncDefinition definition = configuration.definition();
    return new ApplyTask(
        configuration.id(),
        definition.targetConnection(),
        source(definition),
        topicBack(definition),
        schemaTopic(definition.targetConnection()),
        definition.deleteHandling(),
        definition.batchSize());
  }

  /** The loop of a configuration, in the directions that it asks for; not started. */
  KafkaApplyLoop loop(SyncConfiguration configuration, KafkaApplyLoop.Plans plans) {
    SyncDefinition definition = configuration.definition();
    if (!definition.bidirectional()) {
      return KafkaApplyLoop.oneWay(
          task(configuration), plans, kafka, apply, ports(configuration), clock);
    }
    TwoWayTask task = new TwoWayTask(task(configuration), taskBack(configuration));
    return KafkaApplyLoop.twoWay(task, plans, kafka, apply, ports(configuration), clock);
  }

  /** How a configuration's loop writes, as both databases have it now. */
  ApplyPlan plan(SyncConfiguration configuration) {
    Acceptance.Accepted accepted = accepted(configuration);
    return new ApplyPlan(accepted.mapping(), policy(configuration, accepted));
  }

  ApplyPorts ports(SyncConfiguration configuration) {
    SyncDefinition definition = configuration.definition();
    return new ApplyPorts(
        parkedRows.of(configuration),
        conflictLog(configuration),
        keys -> new PgSourceRows(source(definition), mapping(definition)).newest(keys),
        keys -> new PgSourceRows(source(definition), mapping(definition).ofSource()).newest(keys),
        tracker::writtenUpTo,
        new PgSchemaDrift(configuration, mappings, new PgNewColumns(definition, source(definition)))
            ::mapping);
  }

  /** The tables as both databases have them now. */
  TableMapping mapping(SyncDefinition definition) {
    return orThrow(acceptance.inspect(definition)).mapping();
  }

  /** Likewise, with how conflicts are told; that is put on record. */
  Acceptance.Accepted accepted(SyncConfiguration configuration) {
    Acceptance.Accepted accepted =
        orThrow(acceptance.inspect(configuration.definition(), configuration.id()));
    try {
      configurations.updateDetection(configuration.id(), accepted.detection());
    } catch (RuntimeException e) {
      // Only people read it, and the next start writes it: a stream does not wait for the store.
      LOG.log(
          Level.WARNING,
          () ->
              "how conflicts of "
                  + label(configuration.id(), configuration.definition())
                  + " are told was not recorded: "
                  + e.getMessage());
    }
    return accepted;
  }

  private static Acceptance.Accepted orThrow(Outcome<Acceptance.Accepted> outcome) {
    return outcome.orElseThrow(
        refusal ->
            new OperatingFailure(
                OperatingFailure.Kind.USER,
                WireName.of(refusal.reason()),
                refusal.detail(),
                null,
                null));
  }

  /** How the conflicts of a configuration are told and decided. */
  ConflictPolicy policy(SyncConfiguration configuration, Acceptance.Accepted accepted) {
    return accepted.policy(configuration.definition());
  }

  /** Likewise, as both databases allow it now. */
  ConflictPolicy policy(SyncConfiguration configuration) {
    return policy(configuration, accepted(configuration));
  }

  /** Where the conflicts of a configuration are on record. */
  ConflictLog conflictLog(SyncConfiguration configuration) {
    SyncDefinition definition = configuration.definition();
    return conflicts.log(
        new JdbcConflictLog.Owner(
            configuration.id(), definition.target().toString(), definition.conflictResolution()));
  }

  /** Prepares a session that writes a target table set-wise: what it writes counts as ours. */
  TargetPreparation preparation(SyncConfiguration configuration, ConflictPolicy policy) {
    return session -> {
      PgReplicaRole.takeIfAllowed(session);
      if (policy.detection() == ConflictDetection.ORIGIN) {
        PgOrigins.take(session, configuration.id());
      }
    };
  }

  /** Which configurations write one table. */
  TargetSharing sharing() {
    return new TargetSharing(configurations, acceptance);
  }

  /** A lookup for log lines. */
  static String label(UUID id, SyncDefinition definition) {
    return definition.name() + " (" + id + ")";
  }
}
