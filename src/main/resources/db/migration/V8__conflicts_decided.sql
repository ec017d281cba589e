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
