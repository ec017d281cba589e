-- The source table's schema under which the mapping was last used for changes; null if the mapping
-- was made of the catalogs and no change came since.
alter table sync_mappings add column source_schema jsonb;
