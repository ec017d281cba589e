-- Numbers every record of a row that differs. Targets remember the newest number, so that a metadata
-- database that was restored from an older backup is told from one that lost nothing.
create sequence sync_record_marks;

alter table sync_conflicts add column mark bigint;
alter table sync_conflicts alter column mark set default nextval('sync_record_marks');
create index sync_conflicts_mark on sync_conflicts (mark);

alter table sync_parked_rows add column mark bigint;
alter table sync_parked_rows alter column mark set default nextval('sync_record_marks');
create index sync_parked_rows_mark on sync_parked_rows (mark);
