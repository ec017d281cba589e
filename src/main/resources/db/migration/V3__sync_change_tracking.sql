-- How far each configuration has come, for people and the console. The truth is in the target,
-- written with the rows; this follows it every few seconds.
create table sync_change_tracking (
  configuration_id uuid             not null references sync_configurations on delete cascade,
  topic            text             not null,
  partition        integer          not null,
  captured_lsn     pg_lsn,
  applied_lsn      pg_lsn,
  captured_offset  bigint           not null,
  applied_offset   bigint           not null,
  lag_events       bigint           not null,
  lag_seconds      double precision not null,
  updated_at       timestamptz      not null,
  primary key (configuration_id, topic, partition)
)
with (fillfactor = 50);
