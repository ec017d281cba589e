-- What a comparison is to do about what it finds, and what it has found.
alter table sync_executions
  add column repair       boolean not null default false,
  add column verification jsonb;
