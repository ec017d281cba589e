-- Each configuration's tables as both databases last had them, so that a process that starts while
-- the source is away can still write what is in the topic. Read and written by the program alone.
create table sync_mappings (
  configuration_id uuid   primary key references sync_configurations on delete cascade,
  version          bigint not null,
  mapping          jsonb  not null
);
