package io.tidemark.run;

import io.tidemark.conflict.JdbcConflicts;
import io.tidemark.sync.Finding;
import io.tidemark.sync.JdbcChangeTracking;
import io.tidemark.sync.JdbcSyncConfigurations;
import io.tidemark.sync.SyncConfiguration;
import io.tidemark.sync.TrackedPartition;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/** Reads from the store how configurations are doing, all of a list at once. */
final class Overviews {
  private final JdbcSyncConfigurations configurations;
  private final JdbcExecutions executions;
  private final JdbcChangeTracking tracking;
  private final JdbcParkedRows parkedRows;
  private final JdbcConflicts conflicts;

  Overviews(
      JdbcSyncConfigurations configurations,
      JdbcExecutions executions,
      JdbcChangeTracking tracking,
      JdbcParkedRows parkedRows,
      JdbcConflicts conflicts) {
    this.configurations = configurations;
    this.executions = executions;
    this.tracking = tracking;
    this.parkedRows = parkedRows;
    this.conflicts = conflicts;
  }

  /** Of a configuration as it is now: the engine may have said meanwhile how it is doing. */
  Overview now(SyncConfiguration configuration) {
    return of(List.of(configurations.find(configuration.id()).orElse(configuration))).get(0);
  }

  /** Likewise, with what to beware of. */
  Overview now(SyncConfiguration configuration, List<Finding> warnings) {
    return now(configuration).warning(warnings);
  }

  /** In their order. */
  List<Overview> of(List<SyncConfiguration> some) {
    List<UUID> ids = some.stream().map(SyncConfiguration::id).toList();
    Map<UUID, Execution> last = executions.lastOf(ids);
    Map<UUID, Execution> lastSyncs = executions.lastSyncsOf(ids);
    Map<UUID, List<TrackedPartition>> tracked = tracking.ofAll(ids);
    Map<UUID, Long> parked = parkedRows.counts(ids);
    Map<UUID, Long> pending = conflicts.pending(ids);
    return some.stream()
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
