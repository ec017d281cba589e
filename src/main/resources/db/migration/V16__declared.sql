-- What the sync file has made or taken over: it is changed there only, and goes when the file no
-- longer names it.
create table sync_declared (
  kind text not null,
  name text not null,
  primary key (kind, name)
);
