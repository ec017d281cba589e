package io.tidemark.orchestration;

import io.tidemark.run.Execution;
import io.tidemark.run.ExecutionMode;
import io.tidemark.run.ExecutionTrigger;
import io.tidemark.run.JdbcExecutions;
import io.tidemark.run.SyncService;
import io.tidemark.sync.ConnectionRegistry;
import io.tidemark.sync.JdbcSyncConfigurations;
import io.tidemark.sync.Outcome;
import io.tidemark.sync.Page;
import io.tidemark.sync.PageRequest;
import io.tidemark.sync.Refusal;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The door to orchestrations. Each call does all it was asked, or changes nothing and says why. */
public final class OrchestrationService {
  private final JdbcOrchestrations orchestrations;
  private final JdbcOrchestrationExecutions runs;
  private final JdbcExecutions executions;
  private final SyncService syncs;
  private final OrchestrationRunner runner;

  public OrchestrationService(
      JdbcOrchestrations orchestrations,
      JdbcOrchestrationExecutions runs,
      JdbcSyncConfigurations configurations,
      JdbcExecutions executions,
      ConnectionRegistry connections,
      SyncService syncs,
      InstantSource clock,
      Supplier<UUID> ids) {
    this.orchestrations = orchestrations;
    this.runs = runs;
    this.executions = executions;
    this.syncs = syncs;
    runner =
        new OrchestrationRunner(
            orchestrations,
            new OrchestrationRun.Tools(
                syncs, configurations, executions, runs, new PgForeignKeys(connections)),
            clock,
            ids);
  }

  /** What runs them; to be started and closed. */
  public OrchestrationRunner runner() {
    return runner;
  }

  /**
   * An orchestration and how it is doing.
   *
   * @param last its newest execution, null before the first
   * @param nextRunAt null without a schedule, and while one runs
   */
  public record Overview(
      Orchestration orchestration,
      @Nullable OrchestrationRecord last,
      @Nullable Instant nextRunAt) {}

  public Outcome<Overview> create(OrchestrationDefinition definition) {
    return orchestrations.create(definition).map(this::overview);
  }

  public Optional<Orchestration> findByName(String name) {
    return orchestrations.findByName(name);
  }

  public Outcome<Overview> find(UUID id) {
    return orchestration(id).map(this::overview);
  }

  /**
   * A page in order of creation.
   *
   * @param name exactly this name; null for any
   */
  public Page<Overview> page(@Nullable String name, PageRequest request) {
    Page<Orchestration> page = orchestrations.page(name, request);
    Map<UUID, OrchestrationExecution> last =
        runs.lastOf(page.items().stream().map(Orchestration::id).toList());
    return new Page<>(
        page.items().stream().map(one -> overview(one, last.get(one.id()))).toList(), page.next());
  }

  /**
   * Replaces a definition; a run that has not ended goes on as it was asked for.
   *
   * @param expectedVersion the version that the caller has seen; null if it does not matter
   */
  public Outcome<Overview> replace(
      UUID id, @Nullable Long expectedVersion, OrchestrationDefinition definition) {
    return orchestration(id)
        .then(current -> atVersion(current, expectedVersion))
        .then(current -> replace(current, definition));
  }

  private Outcome<Overview> replace(Orchestration current, OrchestrationDefinition definition) {
    Optional<Orchestration> sameName = orchestrations.findByName(definition.name());
    if (sameName.isPresent() && !sameName.get().id().equals(current.id())) {
      return Outcome.refused(JdbcOrchestrations.nameTaken(definition.name()));
    }
    return orchestrations.replace(current, definition).map(this::overview);
  }

  /** Removes an orchestration and its history; configurations and their executions stay. */
  public Outcome<Orchestration> delete(UUID id, @Nullable Long expectedVersion) {
    return orchestration(id)
        .then(current -> atVersion(current, expectedVersion))
        .then(
            current -> {
              Optional<OrchestrationExecution> active = runs.activeOf(id);
              if (active.isPresent()) {
                return Outcome.refused(notEnded(active.get()));
              }
              orchestrations.delete(id);
              return Outcome.of(current);
            });
  }

  /**
   * Asks for an execution; it is carried out after this call.
   *
   * @param mode what each sync does; null for what the definition says
   */
  public Outcome<OrchestrationRecord> execute(UUID id, @Nullable ExecutionMode mode) {
    return orchestration(id)
        .then(
            current -> {
              OrchestrationDefinition definition = current.definition();
              OrchestrationExecution execution =
                  runner.pending(
                      current,
                      mode == null ? definition : definition.withExecutionMode(mode),
                      ExecutionTrigger.MANUAL);
              if (!runs.createUnlessActive(execution)) {
                return Outcome.refused(
                    runs.activeOf(id)
                        .map(OrchestrationService::notEnded)
                        .orElseGet(
                            () ->
                                Refusal.state(
                                    "another execution of it has just ended; try again")));
              }
              runner.submit(execution);
              return execution(execution.id());
            });
  }

  public Outcome<Page<OrchestrationRecord>> executions(UUID id, PageRequest request) {
    return orchestration(id)
        .map(
            found -> {
              Page<OrchestrationExecution> page = runs.page(id, request);
              return new Page<>(withChildren(page.items()), page.next());
            });
  }

  public Outcome<OrchestrationRecord> execution(UUID id) {
    return Outcome.ofKnown(
        runs.find(id).map(found -> withChildren(List.of(found)).get(0)),
        "there is no execution " + id);
  }

  /** Asks that an execution ends early, and its children with it. */
  public Outcome<OrchestrationRecord> cancel(UUID id) {
    return execution(id)
        .then(
            run ->
                runs.requestCancel(id)
                    ? execution(id)
                    : Outcome.refused(Refusal.state("execution " + id + " has ended already")));
  }

  private List<OrchestrationRecord> withChildren(List<OrchestrationExecution> parents) {
    Map<UUID, List<Execution>> children =
        executions.childrenOf(parents.stream().map(OrchestrationExecution::id).toList());
    return parents.stream()
        .map(one -> new OrchestrationRecord(one, children.getOrDefault(one.id(), List.of())))
        .toList();
  }

  private Overview overview(Orchestration orchestration) {
    return overview(
        orchestration, runs.lastOf(List.of(orchestration.id())).get(orchestration.id()));
  }

  private Overview overview(Orchestration orchestration, @Nullable OrchestrationExecution last) {
    return new Overview(
        orchestration,
        last == null ? null : withChildren(List.of(last)).get(0),
        OrchestrationRunner.nextRun(orchestration, last).orElse(null));
  }

  private Outcome<Orchestration> orchestration(UUID id) {
    return Outcome.ofKnown(orchestrations.find(id), "there is no orchestration " + id);
  }

  private static Outcome<Orchestration> atVersion(Orchestration current, @Nullable Long expected) {
    return expected == null || expected == current.version()
        ? Outcome.of(current)
        : Outcome.refused(Refusal.version(current.version()));
  }

  private static Refusal notEnded(OrchestrationExecution active) {
    return Refusal.notEnded("orchestration", active.id());
  }
}
