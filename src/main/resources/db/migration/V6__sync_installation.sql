-- Tells this installation from another one that captures the same source: part of the names of its
-- slots and publications.
create table sync_installation (
  only_row boolean primary key default true check (only_row),
  id       text    not null
);

insert into sync_installation (id)
values (substr(md5(gen_random_uuid()::text), 1, 8));
