package io.tidemark.run;

import io.tidemark.conflict.JdbcConflicts;
import io.tidemark.sync.JdbcChangeTracking;
import io.tidemark.sync.SyncConfiguration;
import io.tidemark.sync.TrackedPartition;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/** Reads from the store how configurations are doing, all of a list at once. */
final class Overviews {
  private final JdbcExecutions executions;
  private final JdbcChangeTracking tracking;
  private final JdbcParkedRows parkedRows;
  private final JdbcConflicts conflicts;

  Overviews(
      JdbcExecutions executions,
      JdbcChangeTracking tracking,
      JdbcParkedRows parkedRows,
      JdbcConflicts conflicts) {
    this.executions = executions;
    this.tracking = tracking;
    this.parkedRows = parkedRows;
    this.conflicts = conflicts;
  }

  /** In their order. */
  List<Overview> of(List<SyncConfiguration> configurations) {
    List<UUID> ids = configurations.stream().map(SyncConfiguration::id).toList();
    Map<UUID, Execution> last = executions.lastOf(ids);
    Map<UUID, Execution> lastSyncs = executions.lastSyncsOf(ids);
    Map<UUID, List<TrackedPartition>> tracked = tracking.ofAll(ids);
    Map<UUID, Long> parked = parkedRows.counts(ids);
    Map<UUID, Long> pending = conflicts.pending(ids);
    return configurations.stream()
        .map(
            one ->
                new Overview(
                    one,
                    last.get(one.id()),
                    Schedule.nextRun(one, lastSyncs.get(one.id())).orElse(null),
                    tracked.getOrDefault(one.id(), List.of()),
                    parked.getOrDefault(one.id(), 0L),
                    pending.getOrDefault(one.id(), 0L),
                    List.of()))
        .toList();
  }
}
