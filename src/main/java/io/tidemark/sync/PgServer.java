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
 * @param canReplicate whether our role may read the log
 * @param canCreate whether our role may create schemas and publications in the database
 * @param hasSchema whether our schema in a target is there already and ours to write in
 * @param freeSlots replication slots that can still be made
 */
record PgServer(
    String identity,
    String role,
    String database,
    int versionNumber,
    String version,
    String walLevel,
    boolean tracksCommitTimestamps,
    boolean canReplicate,
    boolean canCreate,
    boolean hasSchema,
    int freeSlots) {
  /** The oldest version whose publications have row filters and column lists. */
  static final int VERSION_MIN = 150_000;

  private static final String FACTS =
      """
      select pg_catalog.pg_postmaster_start_time()::text
               || current_setting('port') || pg_catalog.current_database(),
             quote_ident(current_user),
             quote_ident(pg_catalog.current_database()),
             current_setting('server_version_num')::int,
             current_setting('server_version'),
             current_setting('wal_level'),
             current_setting('track_commit_timestamp')::boolean,
             r.rolsuper or r.rolreplication
               or exists (
                 select
                 from pg_catalog.pg_roles m
                 where m.rolname = 'rds_replication' and pg_has_role(m.oid, 'usage')),
             has_database_privilege(pg_catalog.current_database(), 'create'),
             coalesce(
               (select has_schema_privilege(n.oid, 'create')
                from pg_catalog.pg_namespace n
                where n.nspname = 'tidemark'),
               false),
             current_setting('max_replication_slots')::int
               - (select count(*)::int from pg_catalog.pg_replication_slots)
      from pg_catalog.pg_roles r
      where r.rolname = current_user
      """;

  /** The statement that lets our role create publications and schemas in the database. */
  String grantCreate() {
    return "grant create on database " + database + " to " + role;
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
          row.getInt(11));
    }
  }
}
