-- Several configurations that run as one. The definition is one document, as a configuration's is.
create table sync_orchestrations (
  id         uuid        primary key,
  definition jsonb       not null,
  name       text        not null generated always as (definition ->> 'name') stored,
  version    bigint      not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint sync_orchestrations_name_key unique (name)
);

create index sync_orchestrations_page on sync_orchestrations (created_at, id);

-- INVARIANT: an orchestration names no configuration that is gone; the definition's list again, for
-- the foreign key.
create table sync_orchestration_members (
  orchestration_id uuid not null references sync_orchestrations on delete cascade,
  configuration_id uuid not null references sync_configurations,
  primary key (orchestration_id, configuration_id)
);

create index sync_orchestration_members_configuration
  on sync_orchestration_members (configuration_id);

-- The record of each run: what its syncs did is in their own executions.
create table sync_orchestration_executions (
  id               uuid        primary key,
  orchestration_id uuid        not null references sync_orchestrations on delete cascade,
  -- As it was when the run was asked for.
  definition       jsonb       not null,
  trigger          text        not null,
  status           text        not null,
  created_at       timestamptz not null,
  started_at       timestamptz,
  finished_at      timestamptz,
  error_code       text,
  error_message    text,
  error_hint       text,
  -- Configurations that could not be asked to run, and why.
  refused          jsonb       not null default '{}',
  cancel_requested boolean     not null default false,
  -- The process that runs it, and when it last said so: after a while of silence another one goes
  -- on with it.
  runner           uuid        not null,
  heartbeat_at     timestamptz not null
)
with (fillfactor = 50);

-- INVARIANT: an orchestration has one execution at a time.
create unique index sync_orchestration_executions_one_at_a_time
  on sync_orchestration_executions (orchestration_id)
  where status in ('pending', 'running');

create index sync_orchestration_executions_page
  on sync_orchestration_executions (orchestration_id, created_at, id);

alter table sync_executions
  add column parent_id uuid references sync_orchestration_executions on delete set null;

create index sync_executions_parent on sync_executions (parent_id) where parent_id is not null;
