package io.tidemark.run;

/** The statements of {@link JdbcExecutions}. */
final class JdbcExecutionSql {
  // The partial unique index says whether another one has not ended. The lock lets a deletion and
  // this meet: the one that comes second sees the other.
  static final String INSERT =
      """
      insert into sync_executions
        (id, configuration_id, parent_id, mode, trigger, status, created_at, heartbeat_at, repair)
      select :id, c.id, cast(:parent as uuid), :mode, :trigger, :status, :created, :created, :repair
      from (
        select id
        from sync_configurations
        where id = :configuration
          and not deleting
        for key share) c
      where cast(:since as timestamptz) is null
         or not exists (
           select
           from sync_executions e
           where e.configuration_id = :configuration
             and e.trigger <> 'stream'
             and e.mode <> 'verify'
             and e.created_at > cast(:since as timestamptz))
      on conflict (configuration_id)
        where status in ('pending', 'running') and trigger <> 'stream'
        do nothing
      """;

  static final String ACTIVE =
      JdbcExecutionRows.SELECT
          + """
          where e.configuration_id = :configuration
            and e.status in ('pending', 'running')
            and e.trigger <> 'stream'
          """;

  static final String START =
      """
      update sync_executions
      set status = 'running',
          started_at = coalesce(started_at, :now),
          heartbeat_at = :now
      where id = :id
        and status in ('pending', 'running')
        and not cancel_requested
      """;

  static final String PROGRESS =
      """
      update sync_executions
      set rows_read = :rows_read,
          rows_inserted = :rows_inserted,
          rows_updated = :rows_updated,
          rows_deleted = :rows_deleted,
          rows_unchanged = :rows_unchanged,
          rows_skipped = :rows_skipped,
          conflicts_detected = :conflicts_detected,
          conflicts_resolved = :conflicts_resolved,
          batches = :batches,
          bytes = :bytes,
          phase = :phase,
          percent = :percent,
          rows_per_second = :rows_per_second,
          eta_seconds = :eta_seconds,
          heartbeat_at = :now
      where id = :id
        and status = 'running'
      returning cancel_requested
      """;

  static final String POSITIONS =
      """
      update sync_executions
      set source_lsn_start = coalesce(cast(:start as pg_lsn), source_lsn_start),
          source_lsn_end = coalesce(cast(:end as pg_lsn), source_lsn_end)
      where id = :id
      """;

  static final String FINISH =
      """
      update sync_executions
      set status = :status,
          started_at = case when :status = 'cancelled' then started_at
                            else coalesce(started_at, :now) end,
          finished_at = :now,
          percent = case when :status = 'completed' then 100 else percent end,
          eta_seconds = null,
          error_code = :code,
          error_message = :message,
          error_hint = :hint,
          heartbeat_at = :now
      where id = :id
        and status in ('pending', 'running')
      """;

  static final String REQUEST_CANCEL =
      """
      update sync_executions
      set cancel_requested = true,
          status = case when status = 'pending' then 'cancelled' else status end,
          finished_at = case when status = 'pending' then :now else finished_at end
      where id = :id
        and status in ('pending', 'running')
      """;

  // A parameter that is null does not filter.
  static final String PAGE =
      JdbcExecutionRows.SELECT
          + """
          where (cast(:configuration as uuid) is null
              or e.configuration_id = cast(:configuration as uuid))
            and (cast(:status as text) is null or e.status = :status)
            and (cast(:mode as text) is null or e.mode = :mode)
            and (cast(:at as timestamptz) is null
              or (e.created_at, e.id) < (cast(:at as timestamptz), cast(:after as uuid)))
          order by e.created_at desc, e.id desc
          limit :limit
          """;

  static final String LAST =
      JdbcExecutionRows.SELECT
          + """
          join (
            select l.id
            from unnest(cast(:ids as uuid[])) asked(id)
            cross join lateral (
              select id
              from sync_executions
              where configuration_id = asked.id
                and (:verifications or mode <> 'verify')
              order by created_at desc, id desc
              limit 1) l) l on l.id = e.id
          """;

  // What a full copy has brought since is no longer as it was found.
  static final String LAST_VERIFICATIONS =
      JdbcExecutionRows.SELECT
          + """
          join (
            select l.id
            from unnest(cast(:ids as uuid[])) asked(id)
            cross join lateral (
              select id
              from sync_executions
              where configuration_id = asked.id
                and mode = 'verify'
                and status = 'completed'
              order by created_at desc, id desc
              limit 1) l) l on l.id = e.id
          where not exists (
            select
            from sync_executions later
            where later.configuration_id = e.configuration_id
              and later.created_at > e.created_at
              and later.mode = 'full'
              and later.status = 'completed')
          """;

  static final String CHILDREN =
      JdbcExecutionRows.SELECT
          + """
          where e.parent_id in (<parents>)
          order by e.created_at, e.id
          """;

  static final String SILENT_SINCE =
      JdbcExecutionRows.SELECT
          + """
          where e.status in ('pending', 'running')
            and e.heartbeat_at < :before
          order by e.created_at, e.id
          """;

  static final String DELETE_EXPIRED =
      """
      delete from sync_executions
      where id in (
        select e.id
        from sync_executions e
        where e.finished_at < :before
          and e.status not in ('pending', 'running')
          and e.parent_id is null
          and exists (
            select
            from sync_executions later
            where later.configuration_id = e.configuration_id
              and later.mode <> 'verify'
              and later.created_at > e.created_at)
        limit :limit)
      """;

  private JdbcExecutionSql() {}
}
