-- One record of a topic can be in conflict with many rows: a TRUNCATE is. Keys are compared by the
-- texts of their values, in the key's column order.
alter table sync_conflicts
  drop constraint sync_conflicts_place,
  add column key_values text[] not null,
  add constraint sync_conflicts_place
    unique (configuration_id, topic, partition, "offset", key_values);

drop index sync_conflicts_pending;

-- INVARIANT: a key waits for one decision at a time; later changes join it.
create unique index sync_conflicts_pending
  on sync_conflicts (configuration_id, key_values)
  where status = 'pending';

-- A decision is on record before the target changes, so that one that a crash cut short is
-- finished, and finished once. The row is what the target is to hold; null deletes.
alter table sync_conflicts
  add column decision_id       uuid,
  add column decision          text,
  add column decision_row      jsonb,
  -- The source position that the row was made for: a change that joins later makes it stale.
  add column decision_position text,
  add column decision_note     text,
  add column decided_by        text,
  add column decided_at        timestamptz;

create index sync_conflicts_undone
  on sync_conflicts (decided_at)
  where status = 'pending' and decision_id is not null;

-- What has ended is kept for a while only.
create index sync_conflicts_ended
  on sync_conflicts (resolved_at)
  where status <> 'pending';

-- How a configuration tells that somebody else wrote a row; null until a database was asked.
alter table sync_configurations
  add column detection_mode     text,
  add column detection_reason   text,
  add column detection_stronger text;
