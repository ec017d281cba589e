package io.tidemark.run;

import io.tidemark.conflict.ConflictStatus;
import io.tidemark.conflict.JdbcConflicts;
import io.tidemark.run.ExecutionRequests.Wish;
import io.tidemark.sync.JdbcChangeTracking;
import io.tidemark.sync.JdbcSyncConfigurations;
import io.tidemark.sync.Outcome;
import io.tidemark.sync.Page;
import io.tidemark.sync.PageRequest;
import io.tidemark.sync.Refusal;
import io.tidemark.sync.SyncConfiguration;
import io.tidemark.sync.SyncDefinition;
import io.tidemark.sync.SyncState;
import io.tidemark.sync.TrackedPartition;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The one door through which the outside world keeps tables in step. Each call either does all it
 * was asked or changes nothing and says why.
 */
public final class SyncService {
  private final JdbcSyncConfigurations configurations;
  private final JdbcExecutions executions;
  private final JdbcChangeTracking tracking;
  private final JdbcParkedRows parkedRows;
  private final JdbcConflicts conflicts;
  private final ConflictDecisions decisions;
  private final Acceptance acceptance;
  private final ExecutionRequests requests;
  private final SyncEngine engine;
  private final ConfigurationLocks locks = new ConfigurationLocks();
  private final CaptureResets resets;
  private final Overviews overviews;
  private final TargetSharing sharing;
  private final ConfigurationChanges changes;

  public SyncService(
      JdbcSyncConfigurations configurations,
      JdbcExecutions executions,
      JdbcChangeTracking tracking,
      JdbcParkedRows parkedRows,
      JdbcConflicts conflicts,
      ConflictDecisions decisions,
      Acceptance acceptance,
      ExecutionRequests requests,
      SyncEngine engine) {
    this.configurations = configurations;
    this.executions = executions;
    this.tracking = tracking;
    this.parkedRows = parkedRows;
    this.conflicts = conflicts;
    this.decisions = decisions;
    this.acceptance = acceptance;
    this.requests = requests;
    this.engine = engine;
    sharing = new TargetSharing(configurations, acceptance);
    overviews = new Overviews(configurations, executions, tracking, parkedRows, conflicts);
    changes =
        new ConfigurationChanges(
            configurations, acceptance, requests, engine, locks, overviews, sharing);
    resets = new CaptureResets(configurations, executions, requests, engine, locks, sharing);
  }

  /** Accepts a definition and starts it; leaves nothing behind if any step fails. */
  public Outcome<Overview> create(SyncDefinition definition) {
    return changes.create(definition);
  }

  /**
   * Replaces a definition.
   *
   * @param expectedVersion the version that the caller has seen; null if it does not matter
   * @param change from the present definition to the new one, or a refusal
   */
  public Outcome<Overview> change(
      UUID id,
      @Nullable Long expectedVersion,
      Function<SyncDefinition, Outcome<SyncDefinition>> change) {
    return changes.change(id, expectedVersion, change);
  }

  /**
   * Stops a configuration and removes it with everything that was made for it.
   *
   * @return what could not be removed, and does no harm
   */
  public Outcome<List<LeftBehind>> delete(UUID id, @Nullable Long expectedVersion) {
    return changes.delete(id, expectedVersion);
  }

  /** Removes a configuration whoever is away; what is out of reach is left behind. */
  public Outcome<List<LeftBehind>> deleteByForce(UUID id, @Nullable Long expectedVersion) {
    return changes.deleteByForce(id, expectedVersion);
  }

  public Outcome<Overview> find(UUID id) {
    return configuration(id).map(found -> overviews.now(found));
  }

  /** A page in order of creation. */
  public Page<Overview> configurations(JdbcSyncConfigurations.Filter filter, PageRequest request) {
    Page<SyncConfiguration> page = configurations.page(filter, request);
    return new Page<>(overviews.of(page.items()), page.next());
  }

  private Outcome<SyncConfiguration> configuration(UUID id) {
    return Outcome.ofKnown(configurations.find(id), "there is no configuration " + id);
  }

  /** Stops the flow of a configuration; its place is kept. Pausing twice does no harm. */
  public Outcome<Overview> pause(UUID id) {
    return locks.holding(
        id,
        () ->
            configuration(id)
                .map(
                    current -> {
                      if (!current.paused()) {
                        SyncConfiguration paused = configurations.pause(current).orElse(current);
                        steer(current, () -> engine.onPaused(paused));
                      }
                      return overviews.now(current);
                    }));
  }

  /** Lets a configuration flow again; the remedy for a failed one too, once its cause is mended. */
  public Outcome<Overview> resume(UUID id) {
    return locks.holding(
        id,
        () ->
            configuration(id)
                .map(
                    current -> {
                      if (current.paused() || current.state() == SyncState.FAILED) {
                        SyncConfiguration resumed = configurations.resume(current).orElse(current);
                        steer(current, () -> engine.onResumed(resumed));
                      }
                      return overviews.now(current);
                    }));
  }

  /** Does what was just stored, or stores what was before. */
  private void steer(SyncConfiguration before, Runnable action) {
    try {
      action.run();
    } catch (RuntimeException e) {
      try {
        if (before.paused()) {
          configurations.pause(before);
        } else {
          configurations.resume(before);
        }
        configurations.updateState(before.id(), before.state(), before.stateReason());
      } catch (RuntimeException failedToo) {
        e.addSuppressed(failedToo);
      }
      throw e;
    }
  }

  /**
   * Asks for an execution; it is carried out after this call.
   *
   * @param mode null for the mode of the configuration's strategy
   */
  public Outcome<Execution> execute(
      UUID id, @Nullable ExecutionMode mode, ExecutionTrigger trigger) {
    return execute(id, Wish.of(mode, trigger));
  }

  /** Asks for a comparison of a configuration's tables, and a repair of what it finds. */
  public Outcome<Execution> verify(UUID id, boolean repair, ExecutionTrigger trigger) {
    return execute(id, new Wish(ExecutionMode.VERIFY, repair, trigger, null));
  }

  /** Asks for an execution, of any mode. */
  public Outcome<Execution> execute(UUID id, Wish wish) {
    return locks.holding(
        id,
        () ->
            configuration(id)
                .then(
                    current ->
                        refusalOf(current, wish)
                            .map(Outcome::<Execution>refused)
                            .orElseGet(() -> requests.request(current, wish))));
  }

  private Optional<Refusal> refusalOf(SyncConfiguration configuration, Wish wish) {
    return wish.mode() == ExecutionMode.FULL
        ? sharing.refusalOfFull(configuration)
        : Optional.empty();
  }

  public Page<Execution> executions(JdbcExecutions.Filter filter, PageRequest request) {
    return executions.page(filter, request);
  }

  public Outcome<Execution> execution(UUID id) {
    return Outcome.ofKnown(executions.find(id), "there is no execution " + id);
  }

  /** Asks that an execution ends early. */
  public Outcome<Execution> cancel(UUID id) {
    return execution(id)
        .then(
            execution -> {
              if (!executions.requestCancel(id)) {
                return Outcome.refused(Refusal.state("execution " + id + " has ended already"));
              }
              engine.cancel(id);
              return execution(id);
            });
  }

  /** Where each partition of a configuration stands. */
  public Outcome<List<TrackedPartition>> tracking(UUID id) {
    return configuration(id).map(found -> tracking.of(id));
  }

  /** The changes of a configuration that its target refused, newest first. */
  public Outcome<Page<Parked>> parkedRows(UUID id, PageRequest request) {
    return configuration(id).map(found -> parkedRows.page(id, request));
  }

  /** Why a row is as it is; see {@link SyncEngine#history}. */
  public Outcome<RowHistory> history(
      UUID id, AskedKey key, int limit, @Nullable HistoryCursor cursor) {
    return configuration(id).then(found -> engine.history(found, key, limit, cursor));
  }

  /**
   * Makes the capture of a source connection anew, and copies each of its tables in full: whatever
   * the capture has missed comes with the copy. A configuration that is paused or disabled is
   * copied when it runs again.
   *
   * @return the executions that copy
   */
  public Outcome<List<Execution>> resetCapture(String connection, ResetIf when) {
    return acceptance.knows(connection)
        ? resets.reset(connection, when)
        : Outcome.refused(Refusal.unknown("there is no connection '" + connection + "'"));
  }

  /** Carries out what a person decides about a conflict. */
  public Outcome<Decided> resolve(UUID conflict, ConflictDecisions.Decision decision) {
    return decisions.decide(conflict, decision);
  }

  /**
   * Likewise, for all conflicts that wait and match, except a decision with a row of its own.
   *
   * @param filter its status does not count
   */
  public BulkDecision.Result resolveAll(
      JdbcConflicts.Filter filter, ConflictDecisions.Decision decision) {
    return new BulkDecision(conflicts, decisions, decision)
        .run(
            new JdbcConflicts.Filter(
                filter.configurationId(), ConflictStatus.PENDING, filter.type(), filter.key()));
  }

  public List<CaptureStatus> captures() {
    return engine.captures();
  }

  public List<TopicDescription> topics() {
    return engine.topics();
  }

  public SystemDescription system() {
    return engine.system();
  }
}
