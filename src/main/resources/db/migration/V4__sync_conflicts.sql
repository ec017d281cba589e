-- Rows that somebody else wrote at the target. Written before the target commits, under the place
-- of the change in its topic: a crash between the two writes the same row again.
create table sync_conflicts (
  id                uuid        primary key,
  configuration_id  uuid        not null references sync_configurations on delete cascade,
  topic             text        not null,
  partition         integer     not null,
  "offset"          bigint      not null,
  target_table      text        not null,
  -- The key's columns and values, as text; equal keys have equal documents.
  row_key           jsonb       not null,
  type              text        not null,
  status            text        not null,
  strategy          text        not null,
  source_row        jsonb,
  target_row        jsonb,
  base_row          jsonb,
  differing_columns jsonb       not null default '[]',
  source_position   text,
  detected_at       timestamptz not null,
  resolved_at       timestamptz,
  resolved_by       text,
  resolution        text,
  note              text,
  constraint sync_conflicts_place unique (configuration_id, topic, partition, "offset")
);

create index sync_conflicts_page on sync_conflicts (detected_at, id);

-- Whether a row waits for a decision is asked for every batch.
create index sync_conflicts_pending
  on sync_conflicts (configuration_id, row_key)
  where status = 'pending';

-- Changes that the target refused. Each waits here with its reason while the others flow.
create table sync_parked_rows (
  configuration_id uuid        not null references sync_configurations on delete cascade,
  topic            text        not null,
  partition        integer     not null,
  "offset"         bigint      not null,
  target_table     text        not null,
  row_key          jsonb       not null,
  reason_code      text        not null,
  message          text        not null,
  source_position  text,
  attempts         integer     not null,
  parked_at        timestamptz not null,
  -- The row as the change has it; null for a deletion.
  row_values       jsonb,
  primary key (configuration_id, topic, partition, "offset")
);

create index sync_parked_rows_key on sync_parked_rows (configuration_id, row_key);
