-- The record of each run. It goes with its configuration.
create table sync_executions (
  id                 uuid        primary key,
  configuration_id   uuid        not null references sync_configurations on delete cascade,
  mode               text        not null,
  trigger            text        not null,
  status             text        not null,
  created_at         timestamptz not null,
  started_at         timestamptz,
  finished_at        timestamptz,
  rows_read          bigint      not null default 0,
  rows_inserted      bigint      not null default 0,
  rows_updated       bigint      not null default 0,
  rows_deleted       bigint      not null default 0,
  rows_unchanged     bigint      not null default 0,
  rows_skipped       bigint      not null default 0,
  conflicts_detected bigint      not null default 0,
  conflicts_resolved bigint      not null default 0,
  batches            bigint      not null default 0,
  bytes              bigint      not null default 0,
  source_lsn_start   pg_lsn,
  source_lsn_end     pg_lsn,
  phase              text,
  percent            double precision,
  rows_per_second    double precision,
  eta_seconds        bigint,
  error_code         text,
  error_message      text,
  error_hint         text,
  cancel_requested   boolean     not null default false,
  -- When the process that runs it last wrote here: a running execution that is silent for long
  -- was interrupted.
  heartbeat_at       timestamptz not null
)
-- Progress rewrites one row every few seconds; room on the page keeps that off the indexes.
with (fillfactor = 50);

-- INVARIANT: one configuration has one execution at a time. The record of a continuous stream is
-- not one that others wait for.
create unique index sync_executions_one_at_a_time
  on sync_executions (configuration_id)
  where status in ('pending', 'running') and trigger <> 'stream';

create index sync_executions_page on sync_executions (created_at, id);

-- The last execution of each configuration of a page.
create index sync_executions_last on sync_executions (configuration_id, created_at, id);
