-- A parked row has an address, and its list has pages. Rows of before had no names in their keys.
delete from sync_parked_rows
where jsonb_typeof(row_key) <> 'object';

alter table sync_parked_rows
  add column id uuid not null default gen_random_uuid();

create index sync_parked_rows_page on sync_parked_rows (configuration_id, parked_at, id);
