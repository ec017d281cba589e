package io.tidemark.boot;

import io.smallrye.common.annotation.Identifier;
import io.tidemark.apply.ApplySettings;
import io.tidemark.capture.CaptureSettings;
import io.tidemark.capture.ChangeTracker;
import io.tidemark.change.Backoff;
import io.tidemark.conflict.JdbcConflicts;
import io.tidemark.copy.CopySettings;
import io.tidemark.copy.Pace;
import io.tidemark.run.Acceptance;
import io.tidemark.run.ConflictDecisions;
import io.tidemark.run.JdbcExecutions;
import io.tidemark.run.JdbcParkedRows;
import io.tidemark.run.JdbcRecordMarks;
import io.tidemark.run.Rooms;
import io.tidemark.run.SyncEngine;
import io.tidemark.run.SyncOrchestrator;
import io.tidemark.run.SystemDescription;
import io.tidemark.sync.ConnectionRegistry;
import io.tidemark.sync.JdbcChangeTracking;
import io.tidemark.sync.JdbcMappings;
import io.tidemark.sync.JdbcSyncConfigurations;
import jakarta.enterprise.inject.Produces;
import jakarta.enterprise.inject.Typed;
import jakarta.inject.Singleton;
import java.time.Clock;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.UUID;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.jdbi.v3.core.Jdbi;

/** Wires capture, apply and copy into the engine behind the service. */
final class EngineBeans {
  private static final Clock CLOCK = Clock.systemUTC();

  /** How often an idle source is made to move, so that its slot holds no WAL back. */
  private static final Duration HEARTBEAT = Duration.ofSeconds(2);

  private static final Backoff BACKOFF =
      new Backoff(Duration.ofMillis(200), Duration.ofSeconds(10));

  /** A transaction that was writing to a table when it was added is waited for this long. */
  private static final Duration WRITER_WAIT = Duration.ofSeconds(60);

  @Produces
  @Singleton
  ChangeTracker tracker(
      TidemarkConfig config,
      Jdbi jdbi,
      @Identifier("default-kafka-broker") Map<String, Object> kafka) {
    TidemarkConfig.Topics topics = config.topics();
    CaptureSettings settings =
        new CaptureSettings(
            topics.prefix(),
            StoreBeans.installation(jdbi),
            Commands.Version.current(),
            topics.partitions(),
            topics.replicationFactor(),
            topics.retention(),
            Map.of(),
            HEARTBEAT,
            BACKOFF,
            WRITER_WAIT);
    return new ChangeTracker(settings, clients(kafka), CLOCK, RandomGenerator.getDefault());
  }

  /** What the user set for Kafka, without the framework's own defaults for its own consumers. */
  private static Map<String, Object> clients(Map<String, Object> kafka) {
    Map<String, Object> clients = new HashMap<>(kafka);
    clients.keySet().removeIf(key -> key.startsWith("key.") || key.startsWith("value."));
    clients.remove("group.id");
    return clients;
  }

  @Produces
  @Singleton
  @Typed({SyncEngine.class, SyncOrchestrator.class})
  SyncOrchestrator engine(
      TidemarkConfig config,
      JdbcSyncConfigurations configurations,
      JdbcExecutions executions,
      JdbcChangeTracking tracking,
      JdbcMappings mappings,
      JdbcParkedRows parkedRows,
      JdbcConflicts conflicts,
      ConflictDecisions decisions,
      JdbcRecordMarks recordMarks,
      ConnectionRegistry connections,
      Acceptance acceptance,
      ChangeTracker tracker,
      @Identifier("default-kafka-broker") Map<String, Object> kafka,
      @ConfigProperty(name = "kafka.bootstrap.servers") Optional<String> bootstrapServers) {
    Rooms rooms =
        new Rooms(
            configurations,
            executions,
            tracking,
            mappings,
            connections,
            acceptance,
            tracker,
            parkedRows,
            conflicts,
            decisions,
            recordMarks,
            clients(kafka),
            config.topics().prefix(),
            ApplySettings.DEFAULT.with(config.apply().sessions()),
            CopySettings.DEFAULTS.at(new Pace(config.copies().maxRowsPerSecond())),
            config.executions().parallel(),
            CLOCK);
    return new SyncOrchestrator(
        rooms, describe(config, bootstrapServers.orElse("")), UUID::randomUUID);
  }

  private static SystemDescription describe(TidemarkConfig config, String bootstrapServers) {
    Map<String, String> urls =
        config.connections().entrySet().stream()
            .collect(
                Collectors.toMap(
                    Map.Entry::getKey,
                    connection -> shown(connection.getValue()),
                    (one, other) -> one,
                    TreeMap::new));
    return new SystemDescription(
        Commands.Version.current(),
        Launch.stack().isPresent() ? "embedded" : "external",
        shown(config.store()),
        bootstrapServers,
        urls);
  }

  /** The embedded server's address whole, anyone else's without what it says after the name. */
  private static String shown(TidemarkConfig.Database database) {
    String url = database.url().orElse("");
    boolean own =
        Launch.stack()
            .flatMap(stack -> stack.postgres())
            .filter(postgres -> url.contains("127.0.0.1:" + postgres.port() + "/"))
            .isPresent();
    int question = url.indexOf('?');
    return own || question < 0 ? url : url.substring(0, question);
  }
}
