-- Everything about one row is asked for by its key, ended conflicts too.
create index sync_conflicts_key on sync_conflicts (configuration_id, key_values);
