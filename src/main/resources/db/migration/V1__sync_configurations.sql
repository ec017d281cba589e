-- What the user asked to keep in step. The definition is one document, in the words of the REST
-- API: a new field needs no migration, and one reader and one writer serve both. What is searched
-- by, or read by people with psql, is generated from it.
create table sync_configurations (
  id                uuid        primary key,
  definition        jsonb       not null,
  name              text        not null generated always as (definition ->> 'name') stored,
  source_table      text        not null generated always as (definition ->> 'source_table') stored,
  target_table      text        not null generated always as (definition ->> 'target_table') stored,
  source_connection text        not null
                    generated always as (definition ->> 'source_connection') stored,
  target_connection text        not null
                    generated always as (definition ->> 'target_connection') stored,
  sync_strategy     text        not null
                    generated always as (definition ->> 'sync_strategy') stored,
  enabled           boolean     not null
                    generated always as ((definition ->> 'enabled')::boolean) stored,
  version           bigint      not null,
  paused            boolean     not null,
  state             text        not null,
  state_reason      text,
  created_at        timestamptz not null,
  updated_at        timestamptz not null,
  constraint sync_configurations_name_key unique (name)
);

-- Lists are read in order of creation, page by page.
create index sync_configurations_page on sync_configurations (created_at, id);

-- Connections made over REST; those of the settings are not stored. The password is sealed with
-- the secret key (AES-GCM), which is not in this database.
create table sync_connections (
  name            text        primary key,
  url             text        not null,
  username        text,
  sealed_password bytea,
  created_at      timestamptz not null,
  updated_at      timestamptz not null
);
