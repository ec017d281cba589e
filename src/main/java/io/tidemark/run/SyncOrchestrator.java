package io.tidemark.run;

import io.tidemark.apply.AppliedPosition;
import io.tidemark.apply.KafkaApplyLoop;
import io.tidemark.apply.KafkaCatchUp;
import io.tidemark.apply.PgPositions;
import io.tidemark.capture.CaptureState;
import io.tidemark.capture.CaptureView;
import io.tidemark.change.OperatingFailure;
import io.tidemark.change.TableName;
import io.tidemark.change.WireName;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.postgres.PgOrigins;
import io.tidemark.postgres.PgSession;
import io.tidemark.sync.InitialSync;
import io.tidemark.sync.SyncConfiguration;
import io.tidemark.sync.SyncDefinition;
import io.tidemark.sync.TableMapping;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * Runs the configured syncs over capture, apply and copy. What has to be made for a configuration
 * is made in the call; what has to keep running follows from the store, which the {@link
 * Reconciler} compares with what runs: after a crash, and on every other instance, it comes to the
 * same.
 */
public final class SyncOrchestrator implements SyncEngine, AutoCloseable {
  private static final Logger LOG = System.getLogger(SyncOrchestrator.class.getName());

  private final Rooms rooms;
  private final SystemDescription system;
  private final ExecutionRunner runner;
  private final Reconciler reconciler;
  private final ConflictUpkeep upkeep;

  public SyncOrchestrator(Rooms rooms, SystemDescription system, Supplier<UUID> ids) {
    this.rooms = rooms;
    this.system = system;
    runner = new ExecutionRunner(rooms, this::loopOf, this::wake);
    reconciler = new Reconciler(rooms, runner, ids);
    upkeep = new ConflictUpkeep(rooms.decisions(), rooms.conflicts(), rooms.clock());
  }

  private Optional<KafkaApplyLoop> loopOf(UUID configuration) {
    return reconciler.stream(configuration).flatMap(Stream::loop);
  }

  private void wake() {
    reconciler.wake();
  }

  /** Begins to run what the store holds. */
  public void start() {
    reconciler.start();
    upkeep.start();
  }

  /** The streams that run in this process. */
  public List<StreamView> streams() {
    return reconciler.streams().stream().map(StreamView::of).flatMap(Optional::stream).toList();
  }

  /** What is wrong now, a sentence each with the remedy; empty if all is well. */
  public List<String> problems() {
    List<String> problems = new ArrayList<>();
    rooms.tracker().captures().stream()
        .filter(capture -> isTrouble(capture.state()))
        .forEach(
            capture ->
                problems.add(
                    "capture of connection '"
                        + capture.connection()
                        + "': "
                        + reasonOf(capture.state())));
    for (Stream stream : reconciler.streams()) {
      stream
          .condition()
          .filter(condition -> condition.reason() != null)
          .ifPresent(
              condition ->
                  problems.add(
                      "configuration '"
                          + stream.configuration().definition().name()
                          + "': "
                          + condition.reason()));
    }
    reconciler.trouble().ifPresent(problems::add);
    return problems;
  }

  /** What needs a person although everything flows, a sentence each with the remedy. */
  public List<String> warnings() {
    return reconciler.warnings();
  }

  /** Conflicts that wait for a decision, by the configuration's name. */
  public Map<String, Long> conflictsPending() {
    return reconciler.conflictsPending();
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
  public Set<ExecutionMode> modes() {
    return Set.of(ExecutionMode.FULL, ExecutionMode.INCREMENTAL);
  }

  @Override
  public void onCreated(SyncConfiguration configuration, TableMapping mapping) {
    SyncDefinition definition = configuration.definition();
    if (definition.needsCapture()) {
      rooms.tracker().ensureTracked(rooms.source(definition), definition.source());
      if (definition.initialSync() == InitialSync.NEVER) {
        startFromNow(configuration);
      }
    }
    reconciler.wake();
  }

  /** The user vouches that the target is in step: the stream goes on from the topic's end. */
  private void startFromNow(SyncConfiguration configuration) {
    Map<Integer, AppliedPosition> ends;
    try (KafkaCatchUp reader = new KafkaCatchUp(rooms.task(configuration), rooms.kafka())) {
      ends = reader.ends();
    }
    onPositions(
        configuration,
        positions -> {
          positions.ensureTable();
          ends.values().forEach(positions::set);
        });
  }

  @Override
  public void onChanged(SyncConfiguration before, SyncConfiguration after, TableMapping mapping) {
    reconciler.stop(before.id());
    boolean same = before.definition().movesSameRowsAs(after.definition());
    if (!same || !after.definition().needsCapture()) {
      forget(before);
      dropOrigins(before);
      // These conflicts are about rows of another table.
      rooms.conflicts().supersedeAll(before.id());
    }
    onCreated(after, mapping);
    if (!same || !after.definition().needsCapture()) {
      release(before.definition(), after.id(), Optional.of(after.definition()));
    }
  }

  @Override
  public void onDeleted(SyncConfiguration configuration) {
    reconciler.stop(configuration.id());
    dropOrigins(configuration);
    if (configuration.definition().needsCapture()) {
      forget(configuration);
      release(configuration.definition(), configuration.id(), Optional.empty());
    }
  }

  /** A position left behind does no harm, so a target that is gone does not hold the user up. */
  private void forget(SyncConfiguration configuration) {
    try {
      onPositions(
          configuration,
          positions -> {
            positions.ensureTable();
            positions.forget();
          });
    } catch (OperatingFailure e) {
      LOG.log(
          Level.WARNING,
          () ->
              "positions of "
                  + Rooms.label(configuration.id(), configuration.definition())
                  + " stay in the target: "
                  + e.getMessage());
    }
  }

  /** An origin left behind takes a place in the target's list, so it is worth a line. */
  private void dropOrigins(SyncConfiguration configuration) {
    try (PgSession session =
        PgSession.open(
            rooms.target(configuration.definition()),
            OperatingFailure.Kind.TARGET,
            "origins",
            "replication origins")) {
      PgOrigins.drop(session, configuration.id());
    } catch (OperatingFailure e) {
      LOG.log(
          Level.WARNING,
          () ->
              "replication origins of "
                  + Rooms.label(configuration.id(), configuration.definition())
                  + " stay in the target: "
                  + e.getMessage());
    }
  }

  private interface PositionWork {
    void on(PgPositions positions);
  }

  private void onPositions(SyncConfiguration configuration, PositionWork work) {
    try (PgSession session =
        PgSession.open(
            rooms.target(configuration.definition()),
            OperatingFailure.Kind.TARGET,
            "position",
            "positions")) {
      work.on(new PgPositions(session, configuration.id()));
    }
  }

  /** Stops capturing what no configuration needs any more. */
  private void release(SyncDefinition former, UUID changed, Optional<SyncDefinition> now) {
    String connection = former.sourceConnection();
    Set<TableName> remaining =
        rooms.configurations().all().stream()
            .filter(one -> !one.id().equals(changed))
            .map(SyncConfiguration::definition)
            .filter(one -> one.needsCapture() && one.sourceConnection().equals(connection))
            .map(SyncDefinition::source)
            .collect(Collectors.toSet());
    now.filter(one -> one.needsCapture() && one.sourceConnection().equals(connection))
        .ifPresent(one -> remaining.add(one.source()));
    Optional<PgDatabase> source = rooms.connections().find(connection);
    if (source.isEmpty()) {
      return;
    }
    if (remaining.isEmpty()) {
      rooms.tracker().stop(connection);
    }
    rooms.tracker().release(source.get(), remaining);
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
    Map<String, TopicDescription> topics = new LinkedHashMap<>();
    for (SyncConfiguration configuration : rooms.configurations().all()) {
      SyncDefinition definition = configuration.definition();
      if (definition.needsCapture()) {
        topics.computeIfAbsent(rooms.topic(definition), name -> describe(name, configuration));
      }
    }
    return List.copyOf(topics.values());
  }

  private TopicDescription describe(String name, SyncConfiguration configuration) {
    SyncDefinition definition = configuration.definition();
    TableMapping mapping = rooms.mapping(definition);
    int partitions;
    try (KafkaCatchUp reader = new KafkaCatchUp(rooms.task(configuration), rooms.kafka())) {
      partitions = reader.ends().size();
    }
    return new TopicDescription(
        name,
        definition.sourceConnection(),
        definition.source().toString(),
        partitions,
        mapping.source().key(),
        mapping.source().columns().stream()
            .map(column -> new TopicDescription.TopicColumn(column.name(), column.type()))
            .toList());
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
    runner.close();
    rooms.tracker().close();
  }
}
