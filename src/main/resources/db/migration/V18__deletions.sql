-- What a configuration that was deleted may have left in its databases, because another instance
-- was at work there or a database was away: it is looked for again.
create table sync_deletions (
  configuration_id uuid primary key,
  name text not null,
  source_connection text not null,
  target_connection text not null,
  deleted_at timestamptz not null
);

create index sync_deletions_deleted_at on sync_deletions (deleted_at);

-- A deletion whose process died is finished by another one.
alter table sync_configurations
  add column deleting_at timestamptz;

update sync_configurations set deleting_at = now() where deleting;
