package io.tidemark.run;

import io.tidemark.change.OperatingFailure;
import io.tidemark.change.WireName;
import io.tidemark.sync.Outcome;
import io.tidemark.sync.Refusal;
import io.tidemark.sync.SyncConfiguration;
import io.tidemark.sync.SyncDefinition;
import io.tidemark.sync.SyncStrategy;
import java.time.Duration;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Turns the wish for an execution into a stored one that the engine has taken. */
public final class ExecutionRequests {
  /**
   * A copy that is told to end rolls back within seconds, wherever it runs. One whose process has
   * died is found silent after 20 s.
   */
  private static final Duration END_MAX = Duration.ofSeconds(40);

  private static final Duration END_LOOK_EVERY = Duration.ofMillis(50);

  private final JdbcExecutions executions;
  private final SyncEngine engine;
  private final InstantSource clock;
  private final Supplier<UUID> ids;

  public ExecutionRequests(
      JdbcExecutions executions, SyncEngine engine, InstantSource clock, Supplier<UUID> ids) {
    this.executions = executions;
    this.engine = engine;
    this.clock = clock;
    this.ids = ids;
  }

  /**
   * What is wished.
   *
   * @param mode null for the mode of the strategy
   * @param repair whether a verification is to repair what it finds
   * @param parentId the orchestration's execution that wishes it, if one does
   */
  public record Wish(
      @Nullable ExecutionMode mode,
      boolean repair,
      ExecutionTrigger trigger,
      @Nullable UUID parentId) {
    /** Of a user or a part of this program, on its own. */
    public static Wish of(@Nullable ExecutionMode mode, ExecutionTrigger trigger) {
      return new Wish(mode, false, trigger, null);
    }
  }

  /** Stores an execution and hands it to the engine, or says why not. */
  public Outcome<Execution> request(SyncConfiguration configuration, Wish wish) {
    Execution execution =
        Execution.pending(
                ids.get(),
                configuration.id(),
                wish.mode() == null ? ExecutionMode.of(configuration.definition()) : wish.mode(),
                wish.trigger(),
                clock.instant().truncatedTo(ChronoUnit.MICROS))
            .childOf(wish.parentId());
    return request(configuration, wish.repair() ? execution.repairing() : execution);
  }

  private Outcome<Execution> request(SyncConfiguration configuration, Execution execution) {
    ExecutionMode mode = execution.mode();
    Optional<Refusal> refusal = refusalOf(configuration, mode);
    if (refusal.isPresent()) {
      return Outcome.refused(refusal.get());
    }
    Optional<Execution> active = executions.createUnlessActive(execution);
    if (active.isPresent()) {
      return Outcome.refused(Refusal.notEnded("configuration", active.get().id()));
    }
    try {
      engine.submit(configuration, execution);
    } catch (OperatingFailure e) {
      executions.fail(execution.id(), ExecutionError.of(e));
      throw e;
    }
    return Outcome.of(executions.find(execution.id()).orElse(execution));
  }

  /**
   * Asks that whatever runs of a configuration ends.
   *
   * @return whether nothing ran, or it ended in time
   */
  boolean end(UUID configuration) {
    long until = System.nanoTime() + END_MAX.toNanos();
    for (Optional<Execution> active = executions.activeOf(configuration);
        active.isPresent();
        active = executions.activeOf(configuration)) {
      executions.requestCancel(active.get().id());
      engine.cancel(active.get().id());
      if (System.nanoTime() > until) {
        return false;
      }
      LockSupport.parkNanos(END_LOOK_EVERY.toNanos());
    }
    return true;
  }

  private Optional<Refusal> refusalOf(SyncConfiguration configuration, ExecutionMode mode) {
    SyncDefinition definition = configuration.definition();
    if (mode == ExecutionMode.INCREMENTAL && !definition.needsCapture()) {
      return Optional.of(
          Refusal.database(
              "mode",
              "this configuration captures no changes, so mode incremental cannot run; use "
                  + WireName.of(ExecutionMode.of(configuration.definition()))
                  + ", or change its sync_strategy"));
    }
    if (mode == ExecutionMode.FULL && definition.bidirectional()) {
      return Optional.of(
          Refusal.database(
              "mode",
              "changes flow both ways, and mode full would take what the target's users have"
                  + " written; use merge"));
    }
    if (mode == ExecutionMode.MERGE && definition.strategy() == SyncStrategy.FULL) {
      return Optional.of(
          Refusal.database(
              "mode",
              "a configuration of sync_strategy full makes the target equal to the source, and a"
                  + " merge keeps what only the target has; use full, or change its"
                  + " sync_strategy"));
    }
    if (!configuration.definition().enabled()) {
      return Optional.of(Refusal.state("the configuration is disabled; set enabled to true first"));
    }
    if (configuration.paused()) {
      return Optional.of(Refusal.state("the configuration is paused; resume it first"));
    }
    return Optional.empty();
  }
}
