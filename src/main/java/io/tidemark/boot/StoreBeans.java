package io.tidemark.boot;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithParentName;
import io.tidemark.capture.ChangeTracker;
import io.tidemark.conflict.ConflictSettings;
import io.tidemark.conflict.JdbcConflicts;
import io.tidemark.conflict.JdbcDecisions;
import io.tidemark.declared.DeclaredSyncs;
import io.tidemark.declared.JdbcDeclared;
import io.tidemark.declared.SyncFile;
import io.tidemark.declared.SyncFileLoop;
import io.tidemark.orchestration.JdbcOrchestrationExecutions;
import io.tidemark.orchestration.JdbcOrchestrations;
import io.tidemark.orchestration.OrchestrationService;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.run.Acceptance;
import io.tidemark.run.ConfigurationBatch;
import io.tidemark.run.ConflictDecisions;
import io.tidemark.run.ExecutionRequests;
import io.tidemark.run.JdbcExecutions;
import io.tidemark.run.JdbcParkedRows;
import io.tidemark.run.JdbcRecordMarks;
import io.tidemark.run.SyncEngine;
import io.tidemark.run.SyncService;
import io.tidemark.sync.ConnectionRegistry;
import io.tidemark.sync.JdbcAudit;
import io.tidemark.sync.JdbcChangeTracking;
import io.tidemark.sync.JdbcConnections;
import io.tidemark.sync.JdbcMappings;
import io.tidemark.sync.JdbcSyncConfigurations;
import io.tidemark.sync.PgConnectionCheck;
import io.tidemark.sync.PgPreFlight;
import io.tidemark.sync.SealedPassword;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import java.security.SecureRandom;
import java.time.Clock;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.UnaryOperator;
import javax.sql.DataSource;
import org.eclipse.microprofile.config.Config;
import org.eclipse.microprofile.config.ConfigProvider;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.jdbi.v3.core.Jdbi;
import org.jdbi.v3.core.statement.StatementExceptions;
import org.jdbi.v3.core.statement.StatementExceptions.MessageRendering;

/** Wires what lives in the metadata store, and the service over it. */
final class StoreBeans {
  private static final Clock CLOCK = Clock.systemUTC();

  /** The databases of the settings, by name. */
  @ConfigMapping(prefix = "tidemark.connections")
  interface ConnectionSettings {
    @WithParentName
    Map<String, ConnectionSetting> byName();
  }

  /** One database. */
  interface ConnectionSetting {
    /** JDBC URL. */
    String url();

    /** Its user; unset if the URL carries it. */
    Optional<String> username();

    /** Its password; unset if the URL carries it or none is needed. */
    Optional<String> password();
  }

  @Produces
  @Singleton
  Jdbi jdbi(DataSource dataSource) {
    Jdbi jdbi = Jdbi.create(dataSource);
    // By default a failing statement's message quotes the values bound to it, and is logged.
    jdbi.configure(
        StatementExceptions.class,
        exceptions -> exceptions.setMessageRendering(MessageRendering.NONE));
    return jdbi;
  }

  @Produces
  @Singleton
  JdbcSyncConfigurations configurations(Jdbi jdbi) {
    return new JdbcSyncConfigurations(jdbi, CLOCK, UUID::randomUUID);
  }

  @Produces
  @Singleton
  JdbcExecutions executions(TidemarkConfig config, Jdbi jdbi) {
    return new JdbcExecutions(jdbi, CLOCK, config.executions().retention());
  }

  @Produces
  @Singleton
  JdbcChangeTracking tracking(Jdbi jdbi) {
    return new JdbcChangeTracking(jdbi, CLOCK);
  }

  @Produces
  @Singleton
  JdbcMappings mappings(Jdbi jdbi) {
    return new JdbcMappings(jdbi);
  }

  @Produces
  @Singleton
  JdbcParkedRows parkedRows(Jdbi jdbi) {
    return new JdbcParkedRows(jdbi, CLOCK);
  }

  @Produces
  @Singleton
  JdbcRecordMarks recordMarks(Jdbi jdbi) {
    return new JdbcRecordMarks(jdbi, installation(jdbi));
  }

  @Produces
  @Singleton
  JdbcConflicts conflicts(TidemarkConfig config, Jdbi jdbi) {
    TidemarkConfig.Conflicts conflicts = config.conflicts();
    ConflictSettings settings = new ConflictSettings(conflicts.waitingMax(), conflicts.retention());
    return new JdbcConflicts(jdbi, settings, CLOCK);
  }

  @Produces
  @Singleton
  ConnectionRegistry connections(
      Jdbi jdbi,
      TidemarkConfig config,
      JdbcSyncConfigurations configurations,
      ConnectionSettings settings,
      @ConfigProperty(name = "tidemark.secret-key") Optional<String> secretKey) {
    Map<String, PgDatabase> fixed = new HashMap<>();
    settings
        .byName()
        .forEach(
            (name, setting) ->
                fixed.put(
                    name,
                    new PgDatabase(
                        name,
                        setting.url(),
                        setting.username().orElse(null),
                        setting.password().orElse(null))));
    return new ConnectionRegistry(
        fixed,
        new JdbcConnections(jdbi, CLOCK),
        configurations,
        new PgConnectionCheck(CLOCK, slotNames(config, jdbi)),
        secretKey.map(StoreBeans::seal).orElse(null));
  }

  private static SealedPassword seal(String key) {
    return SealedPassword.withKey(key, new SecureRandom())
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "tidemark.secret-key is not 32 bytes as base64;"
                        + " make one with: openssl rand -base64 32"));
  }

  @Produces
  @Singleton
  Acceptance acceptance(ConnectionRegistry connections, TidemarkConfig config, Jdbi jdbi) {
    return new Acceptance(connections, new PgPreFlight(slotNames(config, jdbi)));
  }

  private static UnaryOperator<String> slotNames(TidemarkConfig config, Jdbi jdbi) {
    String prefix = config.topics().prefix();
    String installation = installation(jdbi);
    return connection -> ChangeTracker.slotName(prefix, installation, connection);
  }

  /** Tells this store's slots from those of another that captures the same database. */
  static String installation(Jdbi jdbi) {
    return jdbi.withHandle(
        handle -> handle.createQuery("select id from sync_installation").mapTo(String.class).one());
  }

  @Produces
  @Singleton
  ConflictDecisions decisions(
      Jdbi jdbi,
      JdbcConflicts conflicts,
      JdbcSyncConfigurations configurations,
      ConnectionRegistry connections,
      Acceptance acceptance) {
    return new ConflictDecisions(
        conflicts,
        new JdbcDecisions(jdbi, CLOCK),
        configurations,
        connections,
        acceptance,
        UUID::randomUUID);
  }

  @Produces
  @Singleton
  ExecutionRequests requests(JdbcExecutions executions, SyncEngine engine) {
    return new ExecutionRequests(executions, engine, CLOCK, UUID::randomUUID);
  }

  @Produces
  @Singleton
  SyncService service(
      JdbcSyncConfigurations configurations,
      JdbcExecutions executions,
      JdbcChangeTracking tracking,
      JdbcParkedRows parkedRows,
      JdbcConflicts conflicts,
      ConflictDecisions decisions,
      Acceptance acceptance,
      ExecutionRequests requests,
      SyncEngine engine) {
    return new SyncService(
        configurations,
        executions,
        tracking,
        parkedRows,
        conflicts,
        decisions,
        acceptance,
        requests,
        engine);
  }

  @Produces
  @Singleton
  ConfigurationBatch batch(
      ConnectionRegistry connections,
      JdbcSyncConfigurations configurations,
      Acceptance acceptance,
      SyncService service) {
    return new ConfigurationBatch(connections, configurations, acceptance, service);
  }

  @Produces
  @Singleton
  JdbcAudit audit(TidemarkConfig config, Jdbi jdbi) {
    return new JdbcAudit(jdbi, CLOCK, UUID::randomUUID, config.audit().retention());
  }

  @Produces
  @Singleton
  DeclaredSyncs declared(
      Jdbi jdbi,
      JdbcAudit audit,
      ConnectionRegistry connections,
      JdbcSyncConfigurations configurations,
      SyncService service,
      OrchestrationService orchestrations) {
    return new DeclaredSyncs(
        new JdbcDeclared(jdbi), connections, configurations, service, orchestrations, audit);
  }

  @Produces
  @Singleton
  Optional<SyncFile> syncFile(TidemarkConfig config) {
    Config settings = ConfigProvider.getConfig();
    return config
        .syncFile()
        .map(path -> new SyncFile(path, name -> settings.getOptionalValue(name, String.class)));
  }

  @Produces
  @Singleton
  Optional<SyncFileLoop> syncFileLoop(Optional<SyncFile> file, DeclaredSyncs declared) {
    return file.map(one -> new SyncFileLoop(one, declared, CLOCK));
  }

  @Produces
  @Singleton
  OrchestrationService orchestrations(
      TidemarkConfig config,
      Jdbi jdbi,
      JdbcSyncConfigurations configurations,
      JdbcExecutions executions,
      ConnectionRegistry connections,
      SyncService service) {
    return new OrchestrationService(
        new JdbcOrchestrations(jdbi, CLOCK, UUID::randomUUID),
        new JdbcOrchestrationExecutions(
            jdbi, CLOCK, config.executions().retention(), UUID.randomUUID()),
        configurations,
        executions,
        connections,
        service,
        CLOCK,
        UUID::randomUUID);
  }
}
