-- The source table's schema under which the mapping was last used for changes, and the position of
-- one of them; both null if the mapping was made of the catalogs and no row was written since. A
-- copy has no position.
alter table sync_mappings
  add column source_schema jsonb,
  add column source_position text;
