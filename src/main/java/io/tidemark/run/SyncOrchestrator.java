package io.tidemark.run;

import io.tidemark.apply.AppliedPosition;
import io.tidemark.apply.KafkaApplyLoop;
import io.tidemark.apply.KafkaCatchUp;
import io.tidemark.apply.PositionBasis;
import io.tidemark.capture.CaptureState;
import io.tidemark.capture.CaptureView;
import io.tidemark.change.WireName;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.sync.InitialSync;
import io.tidemark.sync.Outcome;
import io.tidemark.sync.SyncConfiguration;
import io.tidemark.sync.SyncDefinition;
import io.tidemark.sync.TableMapping;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Runs the configured syncs over capture, apply and copy. What has to be made for a configuration
 * is made in the call; what has to keep running follows from the store, which the {@link
 * Reconciler} compares with what runs: after a crash, and on every other instance, it comes to the
 * same.
 */
public final class SyncOrchestrator implements SyncEngine, AutoCloseable {
  private final Rooms rooms;
  private final SystemDescription system;
  private final ExecutionRunner runner;
  private final Reconciler reconciler;
  private final AppliedPositions positions;
  private final Removal removal;
  private final Upkeep upkeep;
  private final Sweep sweep;

  public SyncOrchestrator(Rooms rooms, SystemDescription system, Supplier<UUID> ids) {
    this.rooms = rooms;
    this.system = system;
    runner = new ExecutionRunner(rooms, this::loopOf, this::executionEnded);
    reconciler = new Reconciler(rooms, runner, ids);
    positions = new AppliedPositions(rooms);
    removal = new Removal(rooms, positions);
    sweep = new Sweep(rooms, removal);
    upkeep = new Upkeep(rooms.decisions(), rooms.conflicts(), rooms.executions(), rooms.clock());
  }

  private Optional<KafkaApplyLoop> loopOf(UUID configuration) {
    return reconciler.stream(configuration).flatMap(Stream::loop);
  }

  private void executionEnded() {
    reconciler.executionEnded();
  }

  /** Begins to run what the store holds. */
  public void start() {
    reconciler.start();
    upkeep.start();
    sweep.start();
  }

  /** The streams that run in this process. */
  public List<StreamView> streams() {
    return reconciler.streams().stream().map(StreamView::of).flatMap(Optional::stream).toList();
  }

  /**
   * What is wrong now, a sentence each with the remedy; empty if all is well. Asks no server, so
   * that the answer comes at once also while one hangs.
   */
  public List<String> problems() {
    List<String> problems = new ArrayList<>();
    rooms
        .tracker()
        .states()
        .forEach(
            (connection, state) -> {
              if (isTrouble(state)) {
                problems.add("capture of connection '" + connection + "': " + reasonOf(state));
              }
            });
    reconciler
        .failures()
        .forEach((name, reason) -> problems.add("configuration '" + name + "': " + reason));
    reconciler.trouble().ifPresent(problems::add);
    return problems;
  }

  /** What needs a person although everything flows, as it was a second ago. */
  public Attention attention() {
    return reconciler.attention();
  }

  /** What needs a person although everything flows, a sentence each with the remedy. */
  public List<String> warnings() {
    List<String> warnings = new ArrayList<>(reconciler.attention().warnings());
    warnings.addAll(sweep.warnings());
    return warnings;
  }

  /** Sweeps the databases now, and not only when it is time. */
  void sweepNow() {
    sweep.sweep(rooms.clock().instant());
  }

  private static boolean isTrouble(CaptureState state) {
    return state.phase() == CaptureState.Phase.RETRYING
        || state.phase() == CaptureState.Phase.FAILED;
  }

  private static String reasonOf(CaptureState state) {
    return state.remedy() == null
        ? String.valueOf(state.reason())
        : state.reason() + "; " + state.remedy();
  }

  @Override
  public void onCreated(SyncConfiguration configuration, TableMapping mapping) {
    prepare(configuration, true);
  }

  /**
   * @param isNew whether its rows have never been synced to where they are to go
   */
  private void prepare(SyncConfiguration configuration, boolean isNew) {
    SyncDefinition definition = configuration.definition();
    if (definition.needsCapture()) {
      PositionBasis basis = rooms.track(configuration);
      if (definition.bidirectional()) {
        rooms.trackBack(configuration);
      }
      if (isNew && definition.initialSync() == InitialSync.NEVER) {
        startFromNow(configuration, basis);
      }
    }
    reconciler.wake();
  }

  /** The user vouches that the target is in step: the stream goes on from the topic's end. */
  private void startFromNow(SyncConfiguration configuration, PositionBasis basis) {
    Map<Integer, AppliedPosition> ends;
    try (KafkaCatchUp reader = new KafkaCatchUp(rooms.task(configuration), rooms.kafka())) {
      ends = reader.ends();
    }
    positions.set(configuration, ends.values(), basis);
  }

  @Override
  public void onChanged(SyncConfiguration before, SyncConfiguration after, TableMapping mapping) {
    reconciler.stop(before.id());
    boolean same = before.definition().movesSameRowsAs(after.definition());
    if (!same || !after.definition().needsCapture()) {
      removal.forget(before);
      // These conflicts are about rows of another table.
      rooms.conflicts().supersedeAll(before.id());
    }
    prepare(after, !same);
    if (!same || !after.definition().needsCapture()) {
      removal.release(before.definition(), after.id(), Optional.of(after.definition()));
    }
  }

  @Override
  public List<LeftBehind> onDeleted(SyncConfiguration configuration) {
    removal.requireSource(configuration);
    reconciler.stop(configuration.id());
    return removal.remove(configuration);
  }

  @Override
  public List<LeftBehind> onAbandoned(SyncConfiguration configuration) {
    reconciler.stop(configuration.id());
    return removal.abandon(configuration);
  }

  @Override
  public void onPaused(SyncConfiguration configuration) {
    reconciler.stop(configuration.id());
    reconciler.wake();
  }

  @Override
  public void onResumed(SyncConfiguration configuration) {
    reconciler.retryNow(configuration.id());
  }

  @Override
  public void submit(SyncConfiguration configuration, Execution execution) {
    runner.submit(configuration, execution);
  }

  @Override
  public void cancel(UUID executionId) {
    runner.cancel(executionId);
  }

  @Override
  public boolean needsReset(String connection) {
    return rooms.connections().find(connection).filter(rooms.tracker()::needsReset).isPresent();
  }

  @Override
  public void resetCapture(String connection, List<SyncConfiguration> configurations) {
    PgDatabase source = rooms.database(connection);
    configurations.forEach(one -> reconciler.stop(one.id()));
    new CaptureReset(rooms, positions, source).run(configurations);
    configurations.forEach(one -> reconciler.retryNow(one.id()));
  }

  @Override
  public List<CaptureStatus> captures() {
    return rooms.tracker().captures().stream().map(SyncOrchestrator::status).toList();
  }

  private static CaptureStatus status(CaptureView view) {
    CaptureState state = view.state();
    return new CaptureStatus(
        view.connection(),
        view.slot(),
        view.publication(),
        WireName.of(state.phase()),
        state.reason() == null ? null : reasonOf(state),
        view.retainedWalBytes().isPresent() ? view.retainedWalBytes().getAsLong() : null,
        view.lastCommitAt());
  }

  @Override
  public List<TopicDescription> topics() {
    return new TopicDescriptions(rooms).all();
  }

  @Override
  public Outcome<RowHistory> history(
      SyncConfiguration configuration, AskedKey key, int limit, @Nullable HistoryCursor cursor) {
    return new RowHistories(rooms, positions).of(configuration, key, limit, cursor);
  }

  @Override
  public SystemDescription system() {
    return system;
  }

  /** Stops streams, executions and captures, in this order. */
  @Override
  public void close() {
    reconciler.close();
    upkeep.close();
    sweep.close();
    runner.close();
    rooms.tracker().close();
  }
}
