-- Who changed what, over REST or by the sync file.
create table sync_audit (
  id       uuid        primary key,
  at       timestamptz not null,
  actor    text        not null,
  action   text        not null,
  subject  text        not null,
  document text
);

create index sync_audit_page on sync_audit (at, id);
