package io.tidemark.run;

import io.tidemark.apply.AppliedPosition;
import io.tidemark.apply.KafkaCatchUp;
import io.tidemark.apply.PgPositions;
import io.tidemark.apply.PositionBasis;
import io.tidemark.change.OperatingFailure;
import io.tidemark.change.WireName;
import io.tidemark.copy.Cancellation;
import io.tidemark.copy.CopyHooks;
import io.tidemark.copy.CopyOutcome;
import io.tidemark.copy.CopyProgress;
import io.tidemark.copy.CopyRequest;
import io.tidemark.copy.StreamJoin;
import io.tidemark.copy.TableCopy;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.postgres.PgReplicaRole;
import io.tidemark.postgres.PgSession;
import io.tidemark.sync.PgNewColumns;
import io.tidemark.sync.SchemaEvolution;
import io.tidemark.sync.SyncConfiguration;
import io.tidemark.sync.SyncDefinition;
import io.tidemark.sync.TableMapping;
import java.time.Instant;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** One full copy of one configuration, from the databases' shapes to the counts. */
final class FullRun {
  private final Rooms rooms;
  private final SyncConfiguration configuration;
  private final UUID execution;
  private final Cancellation cancellation = new Cancellation();
  private final CopyProgress progress = new CopyProgress(System::nanoTime);
  private volatile @Nullable TopicWait waiting;

  FullRun(Rooms rooms, SyncConfiguration configuration, UUID execution) {
    this.rooms = rooms;
    this.configuration = configuration;
    this.execution = execution;
  }

  /** Ends it without effect; false if it is too late for that. */
  boolean cancel() {
    boolean isInTime = cancellation.cancel();
    TopicWait wait = waiting;
    if (isInTime && wait != null) {
      wait.cancel();
    }
    return isInTime;
  }

  ExecutionProgress progress() {
    CopyProgress.View view = progress.view();
    return new ExecutionProgress(
        WireName.of(view.phase()),
        (double) view.percent(),
        (double) view.rowsPerSecond(),
        view.etaSeconds().isPresent() ? view.etaSeconds().getAsLong() : null);
  }

  /** What was read so far; the rest is known at the end. */
  ExecutionCounts counts() {
    CopyProgress.View view = progress.view();
    return new ExecutionCounts(view.rows(), 0, 0, 0, 0, 0, 0, 0, 0, view.bytes());
  }

  /** Copies in the calling thread. */
  CopyOutcome run() {
    SyncDefinition definition = configuration.definition();
    PgDatabase source = rooms.source(definition);
    PgDatabase target = rooms.target(definition);
    if (definition.schemaEvolution() == SchemaEvolution.ADD_COLUMNS) {
      new PgNewColumns(definition, source).addBeforeCopy(target);
    }
    TableMapping mapping = rooms.mapping(definition);
    if (!definition.needsCapture()) {
      CopyOutcome outcome = copy(source, target, mapping, StreamJoin.none());
      if (outcome instanceof CopyOutcome.Completed) {
        // What waits was found by merges, and no other execution runs beside this one.
        rooms.conflicts().supersedeAll(configuration.id());
      }
      return outcome;
    }
    PositionBasis basis = rooms.track(configuration);
    try (PgSession session =
        PgSession.open(target, OperatingFailure.Kind.TARGET, "resync", "positions")) {
      new PgPositions(session, configuration.id()).ensureTable();
    }
    Instant began = rooms.clock().instant();
    KafkaCatchUp catchUp =
        new KafkaCatchUp(rooms.task(configuration), rooms.kafka(), rooms.ports(configuration));
    TopicWait wait = new TopicWait(rooms.tracker(), source, catchUp);
    // A cancellation that came before this ends the copy as soon as it begins.
    waiting = wait;
    try (StreamResync resync =
        new StreamResync(rooms.task(configuration), mapping, basis, catchUp, wait)) {
      CopyOutcome outcome = copy(source, target, mapping, resync);
      if (outcome instanceof CopyOutcome.Completed) {
        rooms.parkedRows().settle(configuration.id(), resync.reached());
        supersede(resync, began);
        // After the copy: a crash in between asks a person once more than needed, not once less.
        rooms.mappings().copied(configuration, mapping);
      }
      return outcome;
    }
  }

  /** The source's rows have come: what waited for a decision about them waits no more. */
  private void supersede(StreamResync resync, Instant began) {
    UUID id = configuration.id();
    for (AppliedPosition one : resync.reached()) {
      rooms.conflicts().supersedeCopied(id, one.topic(), one.partition(), one.source());
    }
    rooms.conflicts().supersedeCompared(id, began, resync.copiedLsn());
  }

  private CopyOutcome copy(
      PgDatabase source, PgDatabase target, TableMapping mapping, StreamJoin join) {
    CopyRequest request =
        configuration.definition().truncateTarget()
            ? CopyRequest.truncate(execution, mapping)
            : CopyRequest.difference(execution, mapping);
    CopyHooks hooks = new CopyHooks(join, PgReplicaRole::takeIfAllowed);
    return new TableCopy(source, target, rooms.copy()).run(request, hooks, progress, cancellation);
  }
}
