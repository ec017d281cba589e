package io.tidemark.sync;

import io.tidemark.postgres.Lsn;
import io.tidemark.postgres.PgTimes;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.InstantSource;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Collectors;
import org.jdbi.v3.core.Jdbi;
import org.jdbi.v3.core.statement.StatementContext;
import org.jspecify.annotations.Nullable;

/** The table {@code sync_change_tracking}: how far each configuration has come. */
public final class JdbcChangeTracking {
  private static final String UPSERT =
      """
      insert into sync_change_tracking
        (configuration_id, topic, partition, applied_lsn, captured_offset, applied_offset,
         lag_events, lag_seconds, updated_at)
      select c.id, :topic, :partition, cast(:applied as pg_lsn),
             :captured_offset, :applied_offset, :lag_events, :lag_seconds, :now
      from sync_configurations c
      where c.id = :configuration
      on conflict (configuration_id, topic, partition) do update
      set applied_lsn = excluded.applied_lsn,
          captured_offset = excluded.captured_offset,
          applied_offset = excluded.applied_offset,
          lag_events = excluded.lag_events,
          lag_seconds = excluded.lag_seconds,
          updated_at = excluded.updated_at
      """;

  private static final String CAPTURED =
      """
      update sync_change_tracking t
      set captured_lsn = cast(:captured as pg_lsn)
      from sync_configurations c
      where c.id = t.configuration_id
        and c.source_connection = :connection
        and t.captured_lsn is distinct from cast(:captured as pg_lsn)
      """;

  // A stream that runs tells every second how it stands. One that does not, because its process or
  // its broker is gone, is behind by as much as it has not told.
  private static final String SELECT =
      """
      select t.configuration_id, t.topic, t.partition, t.captured_lsn::text, t.applied_lsn::text,
             t.captured_offset, t.applied_offset, t.lag_events,
             t.lag_seconds
               + case
                   when c.enabled and not c.paused and c.sync_strategy <> 'full'
                     and c.definition ->> 'sync_interval_seconds' is null
                     and t.updated_at < :now - interval '5 seconds'
                   then extract(epoch from :now - t.updated_at)
                   else 0
                 end as lag_seconds,
             t.updated_at
      from sync_change_tracking t
      join sync_configurations c on c.id = t.configuration_id
      where t.configuration_id in (<ids>)
      order by t.configuration_id, t.topic, t.partition
      """;

  private final Jdbi jdbi;
  private final InstantSource clock;

  public JdbcChangeTracking(Jdbi jdbi, InstantSource clock) {
    this.jdbi = jdbi;
    this.clock = clock;
  }

  /**
   * Remembers where one partition stands, but for what was captured; nothing if its configuration
   * is gone.
   */
  public void record(TrackedPartition tracked) {
    jdbi.useHandle(
        handle ->
            handle
                .createUpdate(UPSERT)
                .bind("configuration", tracked.configurationId())
                .bind("topic", tracked.topic())
                .bind("partition", tracked.partition())
                .bind("applied", text(tracked.appliedLsn()))
                .bind("captured_offset", tracked.capturedOffset())
                .bind("applied_offset", tracked.appliedOffset())
                .bind("lag_events", tracked.lagEvents())
                .bind("lag_seconds", tracked.lagSeconds())
                .bind("now", PgTimes.bindable(tracked.updatedAt()))
                .execute());
  }

  /**
   * Remembers how far a source's topics hold its history. For the instance that captures it: the
   * ones that apply need not know.
   */
  public void recordCaptured(String connection, long lsn) {
    jdbi.useHandle(
        handle ->
            handle
                .createUpdate(CAPTURED)
                .bind("connection", connection)
                .bind("captured", Lsn.text(lsn))
                .execute());
  }

  public List<TrackedPartition> of(UUID configurationId) {
    return ofAll(List.of(configurationId)).getOrDefault(configurationId, List.of());
  }

  /** The partitions of several configurations, by configuration. */
  public Map<UUID, List<TrackedPartition>> ofAll(Collection<UUID> configurationIds) {
    if (configurationIds.isEmpty()) {
      return Map.of();
    }
    return jdbi.withHandle(
        handle ->
            handle
                .createQuery(SELECT)
                .bindList("ids", List.copyOf(configurationIds))
                .bind("now", PgTimes.bindable(clock.instant()))
                .map(JdbcChangeTracking::read)
                .stream()
                .collect(Collectors.groupingBy(TrackedPartition::configurationId)));
  }

  private static @Nullable String text(@Nullable Long lsn) {
    return lsn == null ? null : Lsn.text(lsn);
  }

  private static @Nullable Long lsn(@Nullable String text) {
    return text == null ? null : Lsn.parse(text);
  }

  private static TrackedPartition read(ResultSet row, StatementContext context)
      throws SQLException {
    return new TrackedPartition(
        row.getObject("configuration_id", UUID.class),
        row.getString("topic"),
        row.getInt("partition"),
        lsn(row.getString("captured_lsn")),
        lsn(row.getString("applied_lsn")),
        row.getLong("captured_offset"),
        row.getLong("applied_offset"),
        row.getLong("lag_events"),
        row.getDouble("lag_seconds"),
        PgTimes.read(row, "updated_at"));
  }
}
