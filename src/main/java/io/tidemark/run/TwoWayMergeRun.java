package io.tidemark.run;

import io.tidemark.apply.AppliedPosition;
import io.tidemark.apply.KafkaCatchUp;
import io.tidemark.change.OperatingFailure;
import io.tidemark.change.RowKey;
import io.tidemark.change.WireName;
import io.tidemark.conflict.ConflictLog;
import io.tidemark.conflict.ConflictPolicy;
import io.tidemark.conflict.ConflictResolution;
import io.tidemark.conflict.Detected;
import io.tidemark.conflict.Later;
import io.tidemark.copy.Cancellation;
import io.tidemark.copy.CopyProgress;
import io.tidemark.copy.MergeHooks;
import io.tidemark.copy.MergeJoin;
import io.tidemark.copy.MergeOutcome;
import io.tidemark.copy.MergeRequest;
import io.tidemark.copy.TableMerge;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.postgres.PgSession;
import io.tidemark.sync.CapturedTable;
import io.tidemark.sync.SyncConfiguration;
import io.tidemark.sync.SyncDefinition;
import io.tidemark.sync.TableMapping;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.UUID;

/**
 * Brings two tables in step that are kept so in both directions: a merge there, which also decides
 * where both have a row, and a merge back, which brings the source what only the target has.
 *
 * <p>INVARIANT: the positions from which the changes of both sides are read are noted before either
 * table is looked at. So whatever is written meanwhile is heard of afterwards; that it is heard of
 * again, if the merges have seen it, does no harm, because rows are compared and not replayed.
 */
final class TwoWayMergeRun {
  private static final String NOW_MICROS =
      "select (extract(epoch from clock_timestamp()) * 1000000)::int8";

  private final Rooms rooms;
  private final SyncConfiguration configuration;
  private final UUID execution;
  private final Cancellation cancellation = new Cancellation();
  private final Cancellation cancellationBack = new Cancellation();
  private final CopyProgress there = new CopyProgress(System::nanoTime);
  private final CopyProgress back = new CopyProgress(System::nanoTime);
  private volatile boolean isBack;

  TwoWayMergeRun(Rooms rooms, SyncConfiguration configuration, UUID execution) {
    this.rooms = rooms;
    this.configuration = configuration;
    this.execution = execution;
  }

  /** Ends it; what the merge there has committed stays, and the next one goes on from it. */
  void cancel() {
    cancellation.cancel();
    cancellationBack.cancel();
  }

  /** Each way is half of it. */
  ExecutionProgress progress() {
    CopyProgress.View view = (isBack ? back : there).view();
    double percent = view.percent() / 2.0 + (isBack ? 50 : 0);
    return new ExecutionProgress(
        WireName.of(view.phase()), percent, (double) view.rowsPerSecond(), null);
  }

  /** What was read so far; the rest is known at the end. */
  ExecutionCounts counts() {
    CopyProgress.View one = there.view();
    CopyProgress.View other = back.view();
    return new ExecutionCounts(
        one.rows() + other.rows(), 0, 0, 0, 0, 0, 0, 0, 0, one.bytes() + other.bytes());
  }

  /** Merges in the calling thread. */
  MergeOutcome run() {
    SyncDefinition definition = configuration.definition();
    for (CapturedTable one : definition.captured()) {
      rooms.tracker().ensureTracked(rooms.database(one.connection()), one.table());
    }
    List<AppliedPosition> start = new ArrayList<>(start(true));
    start.addAll(start(false));
    Acceptance.Accepted accepted = rooms.accepted(configuration);
    TableMapping mapping = accepted.mapping();
    ConflictPolicy policy = rooms.policy(configuration, accepted);
    ConflictLog log = rooms.conflictLog(configuration);
    PgDatabase source = rooms.source(definition);
    PgDatabase target = rooms.target(definition);
    MergeOutcome first =
        new TableMerge(source, target, rooms.copy())
            .run(
                new MergeRequest(
                    configuration.id(), execution, mapping, policy, rooms.topic(definition)),
                new MergeHooks(MergeJoin.none(), rooms.preparation(configuration, policy), log),
                there,
                cancellation);
    if (!(first instanceof MergeOutcome.Completed merged)) {
      return first;
    }
    isBack = true;
    MergeOutcome second =
        new TableMerge(target, source, rooms.copy())
            .run(
                new MergeRequest(
                    configuration.id(),
                    execution,
                    mapping.reversed(),
                    back(policy, mapping),
                    rooms.topicBack(definition)),
                new MergeHooks(
                    MergeJoin.none(), rooms.preparation(configuration, policy), new Decided(log)),
                back,
                cancellationBack);
    if (!(second instanceof MergeOutcome.Completed returned)) {
      return second;
    }
    startFrom(start);
    return new MergeOutcome.Completed(
        merged.rowsRead() + returned.rowsRead(),
        merged.rowsInserted() + returned.rowsInserted(),
        merged.rowsUpdated() + returned.rowsUpdated(),
        0,
        merged.rowsUnchanged(),
        merged.rowsSkipped(),
        merged.conflictsDetected(),
        merged.conflictsResolved(),
        merged.bytes() + returned.bytes(),
        merged.snapshot());
  }

  /** The same winner, seen from the other side. */
  private static ConflictPolicy back(ConflictPolicy policy, TableMapping mapping) {
    String timestamp =
        policy
            .timestamp()
            .flatMap(
                name ->
                    mapping.columns().stream()
                        .filter(pair -> pair.target().name().equals(name))
                        .findFirst())
            .map(pair -> pair.source().name())
            .orElse(null);
    ConflictResolution strategy =
        switch (policy.strategy()) {
          case SOURCE_WINS -> ConflictResolution.TARGET_WINS;
          case TARGET_WINS -> ConflictResolution.SOURCE_WINS;
          case TIMESTAMP, MANUAL -> policy.strategy();
        };
    return new ConflictPolicy(strategy, policy.detection(), timestamp, policy.combinesColumns());
  }

  /** Where the stream begins in one side's topic, with that side's time. */
  private List<AppliedPosition> start(boolean ofSource) {
    SyncDefinition definition = configuration.definition();
    PgDatabase side = ofSource ? rooms.source(definition) : rooms.target(definition);
    OperatingFailure.Kind kind =
        ofSource ? OperatingFailure.Kind.SOURCE : OperatingFailure.Kind.TARGET;
    long now;
    try (PgSession session = PgSession.open(side, kind, "merge", "time")) {
      now = session.number(NOW_MICROS);
    }
    try (KafkaCatchUp topic =
        new KafkaCatchUp(
            ofSource ? rooms.task(configuration) : rooms.taskBack(configuration), rooms.kafka())) {
      return topic.starts().values().stream().map(end -> end.seen(now)).toList();
    }
  }

  /** Only for the first time: a loop that runs has come further. */
  private void startFrom(List<AppliedPosition> start) {
    AppliedPositions positions = new AppliedPositions(rooms);
    SyncDefinition definition = configuration.definition();
    boolean isFirst =
        positions.find(configuration, rooms.topic(definition)).isEmpty()
            || positions.find(configuration, rooms.topicBack(definition)).isEmpty();
    if (isFirst) {
      positions.set(configuration, start);
    }
  }

  /**
   * The log of the merge back. What differs then was decided by the merge there, or changed since
   * and is heard of by the stream: neither is another conflict.
   */
  private record Decided(ConflictLog log) implements ConflictLog {
    @Override
    public void record(List<Detected> conflicts) {
      // The merge there has all of them on record.
    }

    @Override
    public Set<RowKey> waiting() {
      return log.waiting();
    }

    @Override
    public Set<RowKey> join(List<Later> changes) {
      return Set.of();
    }
  }
}
