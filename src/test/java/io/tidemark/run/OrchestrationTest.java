package io.tidemark.run;

import static io.tidemark.run.EngineFixture.value;
import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.Await;
import io.tidemark.TestStack;
import io.tidemark.orchestration.OnFailure;
import io.tidemark.orchestration.Orchestration;
import io.tidemark.orchestration.OrchestrationDefinition;
import io.tidemark.orchestration.OrchestrationMode;
import io.tidemark.orchestration.OrchestrationRecord;
import io.tidemark.orchestration.OrchestrationService;
import io.tidemark.orchestration.SyncOrder;
import io.tidemark.sync.Outcome;
import io.tidemark.sync.PageRequest;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Several syncs as one, over the real engine. A sync is held up by a lock on its source table. */
@Tag("engine")
class OrchestrationTest {
  private static final String FULL = ", \"sync_strategy\": \"full\"";

  private final EngineFixture fixture = new EngineFixture();

  @BeforeEach
  void start() {
    fixture.start();
  }

  @AfterEach
  void stop() {
    fixture.close();
  }

  private UUID configuration(String table) {
    TestStack.execute(
        fixture.source,
        "create table %1$s (id int primary key, v int);".formatted(table)
            + "insert into %1$s select i, i from generate_series(1, 100) i".formatted(table));
    TestStack.execute(
        fixture.target, "create table %1$s (id int primary key, v int)".formatted(table));
    return fixture.create(table, FULL);
  }

  private List<UUID> configurations(String... tables) {
    return Stream.of(tables).map(this::configuration).toList();
  }

  private static OrchestrationDefinition sequence(List<UUID> configurations) {
    return definition(
        configurations, OrchestrationMode.SEQUENTIAL, OnFailure.STOP, SyncOrder.GIVEN, null);
  }

  private static OrchestrationDefinition definition(
      List<UUID> configurations,
      OrchestrationMode mode,
      OnFailure onFailure,
      SyncOrder order,
      Integer seconds) {
    return new OrchestrationDefinition(
        "several", configurations, mode, 2, onFailure, order, null, seconds);
  }

  private UUID execute(OrchestrationDefinition definition) {
    Orchestration created = value(fixture.orchestrations().create(definition)).orchestration();
    return value(fixture.orchestrations().execute(created.id(), null)).execution().id();
  }

  private OrchestrationRecord execution(UUID id) {
    return value(fixture.orchestrations().execution(id));
  }

  private OrchestrationRecord awaitEnd(UUID id) {
    Await.until(() -> execution(id).execution().status().isFinal());
    return execution(id);
  }

  private void awaitRunning(UUID id, UUID... configurations) {
    Await.untilAsserted(
        () ->
            assertThat(execution(id).children())
                .filteredOn(child -> child.status() == ExecutionStatus.RUNNING)
                .extracting(Execution::configurationId)
                .containsExactlyInAnyOrder(configurations));
  }

  private static void assertStatus(OrchestrationRecord run, ExecutionStatus status) {
    assertThat(run.execution().status()).as("%s", run.execution().error()).isEqualTo(status);
  }

  /** Nobody reads these tables of the source before it is closed. */
  private Connection lock(String tables) throws SQLException {
    Connection holder = fixture.source.open("holder");
    holder.setAutoCommit(false);
    try (Statement statement = holder.createStatement()) {
      statement.execute("lock table " + tables + " in access exclusive mode");
    }
    return holder;
  }

  @Test
  void runsOneAfterTheOther() {
    List<UUID> listed = configurations("a", "b", "c");

    OrchestrationRecord run = awaitEnd(execute(sequence(listed)));

    assertStatus(run, ExecutionStatus.COMPLETED);
    assertThat(run.children()).extracting(Execution::configurationId).isEqualTo(listed);
    for (int i = 1; i < listed.size(); i++) {
      assertThat(run.children().get(i).createdAt())
          .isAfterOrEqualTo(run.children().get(i - 1).finishedAt());
    }
    assertThat(run.children())
        .allMatch(child -> child.trigger() == ExecutionTrigger.ORCHESTRATION)
        .allMatch(child -> child.mode() == ExecutionMode.FULL);
    assertThat(run.counts().rowsInserted()).isEqualTo(300);
    assertThat(run.progress().percent()).isEqualTo(100);
    List.of("a", "b", "c").forEach(fixture::awaitEqual);
  }

  @Test
  void runsNoMoreAtOnceThanItMay() throws Exception {
    List<UUID> listed = configurations("a", "b", "c");
    UUID id;
    try (Connection holder = lock("a, b, c")) {
      id =
          execute(
              definition(
                  listed, OrchestrationMode.PARALLEL, OnFailure.STOP, SyncOrder.GIVEN, null));
      awaitRunning(id, listed.get(0), listed.get(1));
      assertThat(execution(id).notBegun()).containsExactly(listed.get(2));
      holder.rollback();
    }

    assertStatus(awaitEnd(id), ExecutionStatus.COMPLETED);
    List.of("a", "b", "c").forEach(fixture::awaitEqual);
  }

  @ParameterizedTest
  @EnumSource(OnFailure.class)
  void stopsOrContinuesAfterAFailure(OnFailure onFailure) {
    List<UUID> listed = configurations("a", "b", "c");
    TestStack.execute(fixture.target, "alter table b add check (v < 50)");

    OrchestrationRecord run =
        awaitEnd(
            execute(
                definition(
                    listed, OrchestrationMode.SEQUENTIAL, onFailure, SyncOrder.GIVEN, null)));

    assertStatus(run, ExecutionStatus.FAILED);
    assertThat(run.execution().error().message()).startsWith("1 of 3 syncs did not complete: 'b'");
    List<UUID> begun = onFailure == OnFailure.STOP ? listed.subList(0, 2) : listed;
    assertThat(run.children()).extracting(Execution::configurationId).isEqualTo(begun);
    assertThat(run.notBegun()).isEqualTo(listed.subList(begun.size(), 3));
  }

  @Test
  void beginsWithTheTablesThatOthersReferTo() {
    List<UUID> listed = configurations("grandchild", "child", "parent");
    TestStack.execute(
        fixture.source, "alter table child add foreign key (v) references parent (id)");
    TestStack.execute(
        fixture.target, "alter table grandchild add foreign key (v) references child (id)");

    OrchestrationRecord run =
        awaitEnd(
            execute(
                definition(
                    listed,
                    OrchestrationMode.PARALLEL,
                    OnFailure.STOP,
                    SyncOrder.FOREIGN_KEYS,
                    null)));

    assertStatus(run, ExecutionStatus.COMPLETED);
    assertThat(run.children())
        .extracting(Execution::configurationId)
        .containsExactly(listed.get(2), listed.get(1), listed.get(0));
  }

  @Test
  void cancelsItsChildren() throws Exception {
    List<UUID> listed = configurations("a", "b");
    try (Connection holder = lock("a")) {
      UUID id = execute(sequence(listed));
      awaitRunning(id, listed.get(0));

      value(fixture.orchestrations().cancel(id));
      OrchestrationRecord run = awaitEnd(id);

      assertStatus(run, ExecutionStatus.CANCELLED);
      assertThat(run.children())
          .singleElement()
          .matches(child -> child.status() == ExecutionStatus.CANCELLED);
      assertThat(fixture.orchestrations().cancel(id).refusal()).isPresent();
      holder.rollback();
    }
  }

  @Test
  void goesOnInAnotherProcess() throws Exception {
    List<UUID> listed = configurations("a", "b", "c");
    UUID id;
    try (Connection holder = lock("b")) {
      id = execute(sequence(listed));
      awaitRunning(id, listed.get(1));
      fixture.stop();
      holder.rollback();
    }
    fixture.start();

    OrchestrationRecord run = awaitEnd(id);
    assertStatus(run, ExecutionStatus.COMPLETED);
    assertThat(run.children())
        .extracting(child -> Map.entry(child.configurationId(), child.status()))
        .containsExactly(
            Map.entry(listed.get(0), ExecutionStatus.COMPLETED),
            Map.entry(listed.get(1), ExecutionStatus.FAILED),
            Map.entry(listed.get(1), ExecutionStatus.COMPLETED),
            Map.entry(listed.get(2), ExecutionStatus.COMPLETED));
    List.of("a", "b", "c").forEach(fixture::awaitEqual);
  }

  @Test
  void waitsForAnExecutionThatAnotherHasAskedFor() throws Exception {
    List<UUID> listed = configurations("a", "b");
    Execution other;
    UUID id;
    try (Connection holder = lock("a")) {
      other = value(fixture.service().execute(listed.get(0), null, ExecutionTrigger.MANUAL));
      id = execute(sequence(listed));
      Await.until(() -> execution(id).execution().status() == ExecutionStatus.RUNNING);
      assertThat(fixture.orchestrations().execute(orchestrationOf(id), null).refusal())
          .hasValueSatisfying(refusal -> assertThat(refusal.executionId()).isEqualTo(id));
      assertThat(execution(id).children()).isEmpty();
      holder.rollback();
    }

    OrchestrationRecord run = awaitEnd(id);
    assertStatus(run, ExecutionStatus.COMPLETED);
    assertThat(run.children()).hasSize(2);
    assertThat(run.children().get(0).createdAt())
        .isAfterOrEqualTo(fixture.execution(other.id()).finishedAt());
  }

  private UUID orchestrationOf(UUID execution) {
    return execution(execution).execution().orchestrationId();
  }

  @Test
  void saysWhichOneCouldNotBeAsked() {
    List<UUID> listed = configurations("a", "b");
    value(fixture.service().pause(listed.get(0)));

    OrchestrationRecord run =
        awaitEnd(
            execute(
                definition(
                    listed,
                    OrchestrationMode.SEQUENTIAL,
                    OnFailure.CONTINUE,
                    SyncOrder.GIVEN,
                    null)));

    assertStatus(run, ExecutionStatus.FAILED);
    assertThat(run.execution().refused()).containsOnlyKeys(listed.get(0));
    assertThat(run.execution().error().message()).contains("'a' was refused", "paused");
    fixture.awaitEqual("b");
  }

  @Test
  void keepsItsConfigurations() {
    List<UUID> listed = configurations("a", "b");
    UUID id = execute(sequence(listed));
    awaitEnd(id);

    assertThat(fixture.service().delete(listed.get(0), null).refusal())
        .hasValueSatisfying(refusal -> assertThat(refusal.detail()).contains("several"));
    assertThat(fixture.service().find(listed.get(0)).refusal()).isEmpty();

    value(fixture.orchestrations().delete(orchestrationOf(id), null));
    assertThat(fixture.service().delete(listed.get(0), null).refusal()).isEmpty();
  }

  @Test
  void takesNoConfigurationThatIsBeingRemoved() throws Exception {
    List<UUID> listed = configurations("a", "b");
    ExecutorService both = Executors.newFixedThreadPool(2);
    try {
      for (int i = 0; i < 20; i++) {
        UUID again = configuration("c" + i);
        CyclicBarrier start = new CyclicBarrier(2);
        Future<Outcome<List<LeftBehind>>> deleted =
            both.submit(
                () -> {
                  start.await();
                  return fixture.service().delete(again, null);
                });
        Future<Outcome<OrchestrationService.Overview>> taken =
            both.submit(
                () -> {
                  start.await();
                  return fixture.orchestrations().create(sequence(List.of(listed.get(0), again)));
                });

        // Neither fails, and exactly one of them is done.
        boolean isDeleted = deleted.get().refusal().isEmpty();
        Outcome<OrchestrationService.Overview> outcome = taken.get();
        assertThat(outcome.refusal().isEmpty()).isNotEqualTo(isDeleted);
        assertThat(fixture.service().find(again).refusal().isEmpty()).isNotEqualTo(isDeleted);
        if (outcome.refusal().isEmpty()) {
          value(fixture.orchestrations().delete(value(outcome).orchestration().id(), null));
        }
      }
    } finally {
      both.shutdownNow();
    }
  }

  @Test
  void runsOnceAtEachTickAndOnceAfterMissedOnes() {
    List<UUID> listed = configurations("a");
    int seconds = 1;
    Orchestration one =
        value(
                fixture
                    .orchestrations()
                    .create(
                        definition(
                            listed,
                            OrchestrationMode.SEQUENTIAL,
                            OnFailure.STOP,
                            SyncOrder.GIVEN,
                            seconds)))
            .orchestration();
    awaitRuns(one, 2);
    int before = runs(one).size();
    fixture.stop();
    fixture.updateStore(
        "update sync_orchestration_executions set created_at = created_at - interval '1 hour'");
    fixture.start();
    awaitRuns(one, before + 2);

    List<OrchestrationRecord> runs = new ArrayList<>(runs(one));
    for (int i = 1; i < runs.size(); i++) {
      // Newest first.
      assertThat(
              Duration.between(
                  runs.get(i).execution().createdAt(), runs.get(i - 1).execution().createdAt()))
          .isGreaterThanOrEqualTo(Duration.ofSeconds(seconds));
    }
    assertThat(runs).allMatch(run -> run.execution().trigger() == ExecutionTrigger.SCHEDULE);
  }

  private void awaitRuns(Orchestration one, int count) {
    Await.until(() -> runs(one).size() >= count);
  }

  private List<OrchestrationRecord> runs(Orchestration one) {
    return value(fixture.orchestrations().executions(one.id(), new PageRequest(100, null))).items();
  }
}
