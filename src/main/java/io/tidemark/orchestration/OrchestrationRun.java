package io.tidemark.orchestration;

import io.tidemark.change.OperatingFailure;
import io.tidemark.change.WireName;
import io.tidemark.orchestration.JdbcOrchestrationExecutions.Beat;
import io.tidemark.orchestration.RunOrder.Standing;
import io.tidemark.run.Execution;
import io.tidemark.run.ExecutionError;
import io.tidemark.run.ExecutionRequests.Wish;
import io.tidemark.run.ExecutionStatus;
import io.tidemark.run.ExecutionTrigger;
import io.tidemark.run.JdbcExecutions;
import io.tidemark.run.SyncService;
import io.tidemark.sync.JdbcSyncConfigurations;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Carries one execution of an orchestration to its end, from wherever another process left it: all
 * that it knows is in the store, so that it looks there again in each round.
 */
final class OrchestrationRun {
  private static final Logger LOG = System.getLogger(OrchestrationRun.class.getName());

  private static final Duration LOOK_EVERY = Duration.ofMillis(100);

  /** Often enough for a wish to cancel, and far within the silence that counts as lost. */
  private static final Duration BEAT_EVERY = Duration.ofMillis(500);

  /** Whoever reads a message with more names than this looks at the list anyway. */
  private static final int NAMED_MAX = 3;

  /** What a run works with; the same for all of them. */
  record Tools(
      SyncService service,
      JdbcSyncConfigurations configurations,
      JdbcExecutions executions,
      JdbcOrchestrationExecutions runs,
      PgForeignKeys foreignKeys) {}

  private final Tools tools;
  private final UUID id;
  private final OrchestrationDefinition definition;
  private final BooleanSupplier stopping;

  /** Configurations that could not be asked to run, and why. */
  private final Map<UUID, String> refused;

  private boolean cancelled;
  private long beatAt;

  /**
   * @param stopping whether this process is about to end, and another one is to go on
   */
  OrchestrationRun(Tools tools, OrchestrationExecution execution, BooleanSupplier stopping) {
    this.tools = tools;
    this.id = execution.id();
    this.definition = execution.definition();
    this.stopping = stopping;
    refused = new HashMap<>(execution.refused());
  }

  /** Returns when it has ended, when another process runs it, or when this one is to stop. */
  void run() {
    if (!beats()) {
      return;
    }
    RunOrder order;
    try {
      order = order();
    } catch (OperatingFailure e) {
      finish(ExecutionStatus.FAILED, ExecutionError.of(e));
      return;
    }
    while (goesOn(order)) {
      if (stopping.getAsBoolean()) {
        tools.runs().release(id);
        return;
      }
      LockSupport.parkNanos(LOOK_EVERY.toNanos());
    }
  }

  private RunOrder order() {
    List<UUID> listed = definition.configurations();
    if (definition.order() == SyncOrder.GIVEN) {
      return RunOrder.of(listed, Map.of());
    }
    return RunOrder.of(
        listed,
        tools
            .foreignKeys()
            .among(
                listed.stream()
                    .map(tools.configurations()::find)
                    .flatMap(Optional::stream)
                    .toList()));
  }

  /** One look at the store, and what follows from it; false at the end. */
  private boolean goesOn(RunOrder order) {
    if (System.nanoTime() - beatAt > BEAT_EVERY.toNanos() && !beats()) {
      return false;
    }
    Map<UUID, Execution> children = children();
    Map<UUID, Standing> standings = standings(children);
    List<UUID> next =
        cancelled ? List.of() : order.next(standings, definition.atOnce(), definition.onFailure());
    if (next.isEmpty() && !standings.containsValue(Standing.RUNNING)) {
      end(children, standings);
      return false;
    }
    next.forEach(this::begin);
    return true;
  }

  /** False if another process runs it, or it has ended. */
  private boolean beats() {
    Beat beat = tools.runs().beat(id);
    beatAt = System.nanoTime();
    if (beat == Beat.CANCEL) {
      cancelled = true;
      children().values().stream()
          .filter(child -> !child.status().isFinal())
          // Refused for one that has ended meanwhile, which is as good.
          .forEach(child -> tools.service().cancel(child.id()));
    }
    return beat != Beat.LOST;
  }

  /** The newest execution of each configuration that this run has asked for. */
  private Map<UUID, Execution> children() {
    return tools.executions().childrenOf(List.of(id)).getOrDefault(id, List.of()).stream()
        .collect(
            Collectors.toMap(Execution::configurationId, child -> child, (older, newer) -> newer));
  }

  private Map<UUID, Standing> standings(Map<UUID, Execution> children) {
    Map<UUID, Standing> standings = new HashMap<>();
    refused.keySet().forEach(one -> standings.put(one, Standing.FAILED));
    children.forEach(
        (configuration, child) ->
            standing(child).ifPresent(standing -> standings.put(configuration, standing)));
    return standings;
  }

  /** Empty for one whose process ended before it did: it begins again. */
  private static Optional<Standing> standing(Execution child) {
    if (!child.status().isFinal()) {
      return Optional.of(Standing.RUNNING);
    }
    if (child.status() == ExecutionStatus.COMPLETED) {
      return Optional.of(Standing.COMPLETED);
    }
    return child.failure().filter(ExecutionError::isInterruption).isPresent()
        ? Optional.empty()
        : Optional.of(Standing.FAILED);
  }

  /** One that another execution stands in the way of is still next when it is looked again. */
  private void begin(UUID configuration) {
    Wish wish = new Wish(definition.executionMode(), false, ExecutionTrigger.ORCHESTRATION, id);
    tools
        .service()
        .execute(configuration, wish)
        .refusal()
        .filter(refusal -> refusal.executionId() == null)
        .ifPresent(
            refusal -> {
              tools.runs().refuse(id, configuration, refusal.detail());
              refused.put(configuration, refusal.detail());
            });
  }

  private void end(Map<UUID, Execution> children, Map<UUID, Standing> standings) {
    List<String> reasons =
        definition.configurations().stream()
            .filter(one -> standings.get(one) == Standing.FAILED)
            .map(one -> "'" + nameOf(one) + "' " + reasonOf(one, children.get(one)))
            .toList();
    if (cancelled) {
      finish(ExecutionStatus.CANCELLED, null);
    } else if (reasons.isEmpty()) {
      finish(ExecutionStatus.COMPLETED, null);
    } else {
      finish(ExecutionStatus.FAILED, failure(reasons, standings.size()));
    }
  }

  private ExecutionError failure(List<String> reasons, int begun) {
    int all = definition.configurations().size();
    String message =
        "%d of %d syncs did not complete: %s%s"
            .formatted(
                reasons.size(),
                all,
                reasons.stream().limit(NAMED_MAX).collect(Collectors.joining("; ")),
                reasons.size() > NAMED_MAX ? "; …" : "");
    return new ExecutionError(
        "syncs_failed",
        begun < all ? message + "; %d did not begin".formatted(all - begun) : message,
        "mend what the children say, then execute it again");
  }

  private String nameOf(UUID configuration) {
    return tools
        .configurations()
        .find(configuration)
        .map(found -> found.definition().name())
        .orElse(configuration.toString());
  }

  private String reasonOf(UUID configuration, @Nullable Execution child) {
    if (child == null) {
      return "was refused: " + refused.get(configuration);
    }
    return child.status() == ExecutionStatus.CANCELLED
        ? "was cancelled"
        : "failed: " + child.failure().map(ExecutionError::message).orElse("for no known reason");
  }

  private void finish(ExecutionStatus status, @Nullable ExecutionError error) {
    if (tools.runs().finish(id, status, error)) {
      LOG.log(
          error == null ? Level.INFO : Level.WARNING,
          () ->
              "execution "
                  + id
                  + " of orchestration "
                  + definition.name()
                  + ": "
                  + (error == null ? WireName.of(status) : error.message()));
    }
  }
}
