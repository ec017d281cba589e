package io.tidemark.sync;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

/**
 * What pre-flight asks a server about itself and about what our role may do.
 *
 * @param identity the same for two sessions exactly if they are in one database of one server
 * @param role ours, quoted as in SQL
 * @param database its name, quoted as in SQL
 * @param versionNumber {@code server_version_num}
 * @param isReadOnly whether it takes no writes, being a standby for instance
 * @param canReplicate whether our role may read the log
 * @param mayReplicate whether our role may write as a replica does, past foreign keys and triggers
 * @param canCreate whether our role may create schemas and publications in the database
 * @param canUseTemporary whether our role may create temporary tables
 * @param hasSchema whether our schema in a target is there already
 * @param canUseSchema whether that schema is ours to create in, and its tables to write
 */
record PgServer(
    String identity,
    String role,
    String database,
    int versionNumber,
    String version,
    String walLevel,
    boolean tracksCommitTimestamps,
    boolean isReadOnly,
    boolean canReplicate,
    boolean mayReplicate,
    boolean canCreate,
    boolean canUseTemporary,
    boolean hasSchema,
    boolean canUseSchema) {
  /** The oldest version whose publications have row filters and column lists. */
  static final int VERSION_MIN = 150_000;

  static final String IDENTITY =
      """
      select pg_catalog.pg_postmaster_start_time()::text
               || current_setting('port') || pg_catalog.current_database()
      """;

  private static final String FACTS =
      IDENTITY
          + """
           , quote_ident(current_user),
             quote_ident(pg_catalog.current_database()),
             current_setting('server_version_num')::int,
             current_setting('server_version'),
             current_setting('wal_level'),
             current_setting('track_commit_timestamp')::boolean,
             current_setting('transaction_read_only')::boolean,
             r.rolsuper or r.rolreplication
               or exists (
                 select
                 from pg_catalog.pg_roles m
                 where m.rolname = 'rds_replication' and pg_has_role(m.oid, 'usage')),
             has_parameter_privilege('session_replication_role', 'set'),
             has_database_privilege(pg_catalog.current_database(), 'create'),
             has_database_privilege(pg_catalog.current_database(), 'temporary'),
             n.oid is not null,
             coalesce(
               has_schema_privilege(n.oid, 'create')
                 and has_schema_privilege(n.oid, 'usage')
                 and not exists (
                   select
                   from pg_catalog.pg_class c,
                     unnest(array['select', 'insert', 'update', 'delete']) p(needed)
                   where c.relnamespace = n.oid
                     and c.relname in ('applied_position', 'kept_row')
                     and c.relkind = 'r'
                     and not has_table_privilege(c.oid, p.needed)),
               false)
      from pg_catalog.pg_roles r
      left join pg_catalog.pg_namespace n on n.nspname = 'tidemark'
      where r.rolname = current_user
      """;

  /** The statement that lets our role create publications and schemas in the database. */
  String grantCreate() {
    return "grant create on database " + database + " to " + role;
  }

  /** The statement that lets our role write past foreign keys and triggers. */
  String grantReplica() {
    return "grant set on parameter session_replication_role to " + role;
  }

  static PgServer of(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(FACTS)) {
      row.next();
      return new PgServer(
          row.getString(1),
          row.getString(2),
          row.getString(3),
          row.getInt(4),
          row.getString(5),
          row.getString(6),
          row.getBoolean(7),
          row.getBoolean(8),
          row.getBoolean(9),
          row.getBoolean(10),
          row.getBoolean(11),
          row.getBoolean(12),
          row.getBoolean(13),
          row.getBoolean(14));
    }
  }
}
