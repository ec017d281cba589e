package io.tidemark.run;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.agroal.api.AgroalDataSource;
import io.agroal.api.AgroalDataSource.FlushMode;
import io.tidemark.Await;
import io.tidemark.TestStack;
import io.tidemark.TestStore;
import io.tidemark.apply.ApplySettings;
import io.tidemark.capture.CaptureSettings;
import io.tidemark.capture.CaptureWaits;
import io.tidemark.capture.ChangeTracker;
import io.tidemark.change.Backoff;
import io.tidemark.change.TableName;
import io.tidemark.change.TopicName;
import io.tidemark.conflict.ConflictSettings;
import io.tidemark.conflict.JdbcConflicts;
import io.tidemark.conflict.JdbcDecisions;
import io.tidemark.conflict.Resolution;
import io.tidemark.conflict.RowsJson;
import io.tidemark.copy.CopySettings;
import io.tidemark.declared.DeclaredSyncs;
import io.tidemark.declared.JdbcDeclared;
import io.tidemark.orchestration.JdbcOrchestrationExecutions;
import io.tidemark.orchestration.JdbcOrchestrations;
import io.tidemark.orchestration.OrchestrationService;
import io.tidemark.postgres.Lsn;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.sync.ConnectionRegistry;
import io.tidemark.sync.JdbcAudit;
import io.tidemark.sync.JdbcChangeTracking;
import io.tidemark.sync.JdbcConnections;
import io.tidemark.sync.JdbcMappings;
import io.tidemark.sync.JdbcSyncConfigurations;
import io.tidemark.sync.Outcome;
import io.tidemark.sync.PgConnectionCheck;
import io.tidemark.sync.PgPreFlight;
import io.tidemark.sync.SealedPassword;
import io.tidemark.sync.SyncDefinition;
import io.tidemark.sync.SyncDefinitionJson;
import io.tidemark.sync.SyncState;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.function.UnaryOperator;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.assertj.core.api.Assertions;
import org.jdbi.v3.core.Jdbi;

/**
 * The service over the real engine, with databases and a topic prefix of its own. What the store,
 * the databases and Kafka hold outlives an {@link Instance}, as it outlives a process.
 */
final class EngineFixture implements AutoCloseable {
  /** The program's own pauses after a failure grow to ten seconds, which tests would wait for. */
  private static final ApplySettings IMPATIENT =
      new ApplySettings(
          Duration.ofMillis(100),
          ApplySettings.DEFAULT.idleCheck(),
          new Backoff(ApplySettings.DEFAULT.backoff().least(), Duration.ofMillis(500)),
          ApplySettings.DEFAULT.batchBytesMax(),
          ApplySettings.DEFAULT.sessions());

  /** A server that nobody runs: each attempt fails at once. */
  static final PgDatabase DEAD =
      new PgDatabase("source", "jdbc:postgresql://127.0.0.1:1/nowhere", "nobody", null);

  static final PgDatabase DEAD_TARGET = new PgDatabase("target", DEAD.url(), DEAD.username(), null);

  final PgDatabase source = TestStack.database("source");
  final PgDatabase target = TestStack.database("target");
  final String prefix = "e" + UUID.randomUUID().toString().substring(0, 8);

  /** 32 bytes of no meaning. */
  private static final String SECRET_KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

  private final int partitions;
  private final int sessions;
  private final PgDatabase store = TestStore.migrated();
  private final AgroalDataSource pool;
  private final Jdbi jdbi;
  private PgDatabase backup;
  private final List<Instance> others = new ArrayList<>();
  private Instance instance;

  EngineFixture() {
    this(1);
  }

  /**
   * @param partitions of each topic
   */
  EngineFixture(int partitions) {
    this(partitions, 1);
  }

  /**
   * @param partitions of each topic
   * @param sessions at the target with which they are written at once
   */
  EngineFixture(int partitions, int sessions) {
    this.partitions = partitions;
    this.sessions = sessions;
    pool = TestStore.pool(store);
    jdbi = Jdbi.create(pool);
  }

  /** One process of Tidemark. */
  record Instance(
      SyncService service,
      SyncOrchestrator engine,
      ChangeTracker tracker,
      ConnectionRegistry connections,
      OrchestrationService orchestrations,
      DeclaredSyncs declared) {
    void close() {
      orchestrations.runner().close();
      engine.close();
    }
  }

  /** A new process over the same store, after the former one has ended. */
  SyncService start(PgDatabase sourceNow, PgDatabase targetNow) {
    stop();
    instance = launch(sourceNow, targetNow);
    return instance.service();
  }

  /** A second process; it ends with the fixture. */
  Instance startAnother() {
    Instance another = launch(source, target);
    others.add(another);
    return another;
  }

  private Instance launch(PgDatabase sourceNow, PgDatabase targetNow) {
    Clock clock = Clock.systemUTC();
    var configurations = new JdbcSyncConfigurations(jdbi, clock, UUID::randomUUID);
    var executions = new JdbcExecutions(jdbi, clock, Duration.ofDays(90));
    var tracking = new JdbcChangeTracking(jdbi, clock);
    var parkedRows = new JdbcParkedRows(jdbi, clock);
    UnaryOperator<String> slots = name -> ChangeTracker.slotName(prefix, "", name);
    var connections =
        new ConnectionRegistry(
            Map.of("source", sourceNow, "target", targetNow),
            new JdbcConnections(jdbi, clock),
            configurations,
            new PgConnectionCheck(clock, slots),
            SealedPassword.withKey(SECRET_KEY, new SecureRandom()).orElseThrow());
    var acceptance = new Acceptance(connections, new PgPreFlight(slots));
    var tracker = new ChangeTracker(settings(), TestStack.kafka(), clock, new SplittableRandom());
    var conflicts = new JdbcConflicts(jdbi, ConflictSettings.DEFAULTS, clock);
    var decisions =
        new ConflictDecisions(
            conflicts,
            new JdbcDecisions(jdbi, clock),
            configurations,
            connections,
            acceptance,
            UUID::randomUUID);
    Rooms rooms =
        new Rooms(
            configurations,
            executions,
            tracking,
            new JdbcMappings(jdbi),
            connections,
            acceptance,
            tracker,
            parkedRows,
            conflicts,
            decisions,
            new JdbcRecordMarks(jdbi, prefix),
            TestStack.kafka(),
            prefix,
            IMPATIENT.with(sessions),
            CopySettings.DEFAULTS,
            4,
            clock);
    SystemDescription system = new SystemDescription("0", "external", "store", "kafka", Map.of());
    SyncOrchestrator engine = new SyncOrchestrator(rooms, system, UUID::randomUUID);
    SyncService service =
        new SyncService(
            configurations,
            executions,
            tracking,
            parkedRows,
            conflicts,
            decisions,
            acceptance,
            new ExecutionRequests(executions, engine, clock, UUID::randomUUID),
            engine);
    OrchestrationService orchestrations =
        new OrchestrationService(
            new JdbcOrchestrations(jdbi, clock, UUID::randomUUID),
            new JdbcOrchestrationExecutions(jdbi, clock, Duration.ofDays(90), UUID.randomUUID()),
            configurations,
            executions,
            connections,
            service,
            clock,
            UUID::randomUUID);
    engine.start();
    orchestrations.runner().start();
    DeclaredSyncs declared =
        new DeclaredSyncs(
            new JdbcDeclared(jdbi),
            connections,
            configurations,
            service,
            orchestrations,
            new JdbcAudit(jdbi, clock, UUID::randomUUID, Duration.ofDays(1)));
    return new Instance(service, engine, tracker, connections, orchestrations, declared);
  }

  SyncService start() {
    return start(source, target);
  }

  void stop() {
    if (instance != null) {
      instance.close();
      instance = null;
    }
  }

  SyncService service() {
    return instance.service();
  }

  OrchestrationService orchestrations() {
    return instance.orchestrations();
  }

  DeclaredSyncs declared() {
    return instance.declared();
  }

  ConnectionRegistry connections() {
    return instance.connections();
  }

  SyncOrchestrator engine() {
    return instance.engine();
  }

  private CaptureSettings settings() {
    return new CaptureSettings(
        prefix,
        "",
        "0",
        partitions,
        OptionalInt.of(1),
        Duration.ofDays(1),
        Map.of(),
        Duration.ofMillis(500),
        new Backoff(Duration.ofMillis(50), Duration.ofMillis(500)),
        Duration.ofSeconds(30));
  }

  /** What came of a request that is not to be refused. */
  static <T> T value(Outcome<T> outcome) {
    return outcome.orElseThrow(refusal -> new IllegalStateException(refusal.detail()));
  }

  /** Keeps a table in step with the one of the same name; more fields as JSON, with a comma. */
  UUID create(String table, String more) {
    return value(definition(table, more).then(service()::create)).configuration().id();
  }

  /** Replaces a configuration's definition by what {@link #create} would make. */
  void change(UUID configuration, String table, String more) {
    value(service().change(configuration, null, before -> definition(table, more)));
  }

  static Outcome<SyncDefinition> definition(String table, String more) {
    try {
      ObjectNode document =
          (ObjectNode)
              new ObjectMapper()
                  .readTree(
                      """
                      {"name": "%1$s", "source_table": "%1$s", "target_table": "%1$s",
                       "sync_strategy": "incremental"%2$s}
                      """
                          .formatted(table, more));
      return SyncDefinitionJson.read(document);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  Overview find(UUID configuration) {
    return value(service().find(configuration));
  }

  void awaitState(UUID configuration, SyncState state) {
    Await.untilAsserted(
        () ->
            Assertions.assertThat(find(configuration).configuration())
                .matches(now -> now.state() == state, "is " + state));
  }

  /** Waits until the one capture is in a state; there is none until the engine has looked once. */
  void awaitCapture(String state) {
    Await.until(
        () -> service().captures().stream().map(CaptureStatus::state).toList(),
        List.of(state)::equals);
  }

  /** Waits until an execution has completed; one that failed says why. */
  void awaitCompleted(UUID execution) {
    Await.until(() -> execution(execution), now -> now.status().isFinal());
    Assertions.assertThat(execution(execution))
        .matches(now -> now.status() == ExecutionStatus.COMPLETED, "completed");
  }

  Execution execution(UUID id) {
    return value(service().execution(id));
  }

  void awaitEqual(String table) {
    Await.untilAsserted(
        () -> Assertions.assertThat(content(target, table)).isEqualTo(content(source, table)));
  }

  /** Waits until everything committed at the source is in the topics. */
  void awaitCaptured() {
    long now = Lsn.parse(TestStack.text(source, "select pg_current_wal_insert_lsn()"));
    CaptureWaits.untilWritten(instance.tracker(), source, now);
  }

  static String content(PgDatabase database, String table) {
    return TestStack.text(
        database,
        "select count(*) || coalesce(md5(string_agg(t::text, ',' order by t::text)), '') from "
            + table
            + " t");
  }

  /** Changes what the store holds, behind the service's back. */
  void updateStore(String sql) {
    jdbi.useHandle(handle -> handle.execute(sql));
  }

  /** Keeps a copy of what the store holds; nothing else may be at work in it. */
  void backUpStore() {
    restart(() -> backup = TestStore.copy(store));
  }

  /** Makes the store what it was. */
  void restoreStore() {
    restart(() -> TestStore.replace(store, backup));
  }

  /** The same under a process that runs. */
  void restoreStoreWhileItRuns() {
    TestStore.replace(store, backup);
    // The pool of the tests does not tell dead sessions from others, as the program's does.
    pool.flush(FlushMode.ALL);
  }

  private void restart(Runnable work) {
    boolean wasRunning = instance != null;
    stop();
    pool.flush(FlushMode.ALL);
    work.run();
    if (wasRunning) {
      start();
    }
  }

  /** The conflicts that a configuration has on record, as text. */
  List<String> conflicts(UUID configuration) {
    return jdbi.withHandle(
        handle ->
            handle
                .createQuery(
                    """
                    select concat_ws(' ', type, status, row_key, source_row, target_row, topic)
                    from sync_conflicts
                    where configuration_id = ?
                    order by detected_at
                    """)
                .bind(0, configuration)
                .mapTo(String.class)
                .list());
  }

  /** Decides the one conflict of a configuration that waits; the row is for a custom one. */
  Decided decide(UUID configuration, String resolution, String row) {
    UUID conflict =
        jdbi.withHandle(
            handle ->
                handle
                    .createQuery(
                        "select id from sync_conflicts"
                            + " where configuration_id = ? and status = 'pending'")
                    .bind(0, configuration)
                    .mapTo(UUID.class)
                    .one());
    Resolution by = Resolution.valueOf(resolution.toUpperCase(Locale.ROOT));
    return value(
        service()
            .resolve(
                conflict,
                new ConflictDecisions.Decision(
                    by, by == Resolution.CUSTOM ? RowsJson.row(row) : null, null, "test")));
  }

  String topic(String table) {
    return TopicName.of(prefix, "source", TableName.parse(table));
  }

  /** Deletes a table's topic and waits until the broker has forgotten it. */
  void deleteTopic(String table) {
    withAdmin(admin -> admin.deleteTopics(List.of(topic(table))).all().get());
    Await.until(() -> !topics().contains(topic(table)));
  }

  void createTopic(String table) {
    NewTopic topic = new NewTopic(topic(table), 1, (short) 1);
    withAdmin(admin -> admin.createTopics(List.of(topic)).all().get());
  }

  Set<String> topics() {
    return withAdmin(admin -> admin.listTopics().names().get());
  }

  private interface Asking<T> {
    T of(Admin admin) throws ExecutionException, InterruptedException;
  }

  private static <T> T withAdmin(Asking<T> asking) {
    try (Admin admin = Admin.create(TestStack.kafka())) {
      return asking.of(admin);
    } catch (ExecutionException e) {
      throw new IllegalStateException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void close() {
    stop();
    others.forEach(Instance::close);
    for (PgDatabase database : List.of(source, target)) {
      TestStack.dropSlots(database);
      dropOrigins(database);
    }
    pool.close();
  }

  private void dropOrigins(PgDatabase database) {
    List<UUID> configurations =
        jdbi.withHandle(
            handle ->
                handle.createQuery("select id from sync_configurations").mapTo(UUID.class).list());
    configurations.forEach(configuration -> TestStack.dropOrigins(database, configuration));
  }
}
