-- A configuration that is being removed is taken into no orchestration any more.
alter table sync_configurations
  add column deleting boolean not null default false;

-- The last verification of each configuration is asked for all the time.
create index sync_executions_verified
  on sync_executions (configuration_id, created_at, id)
  where mode = 'verify' and status = 'completed';
