package io.tidemark.sync;

import io.tidemark.postgres.PgOrigins;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * What keeps a target from telling by replication origins who wrote a row, and what mends it.
 *
 * @param obstacles a sentence each; empty if nothing is in the way
 * @param remedies a sentence each, the statement in it
 */
record PgOriginFacts(List<String> obstacles, List<String> remedies) {
  /** What marking a session takes. Only a superuser may call these unless they are granted. */
  private static final String FACTS =
      """
      select current_setting('track_commit_timestamp')::boolean,
             quote_ident(current_user),
             array(
               select f.signature
               from unnest(array[
                 'pg_replication_origin_create(text)',
                 'pg_replication_origin_oid(text)',
                 'pg_replication_origin_session_setup(text)',
                 'pg_replication_origin_xact_setup(pg_lsn, timestamptz)']) with ordinality f(signature, place)
               where not has_function_privilege('pg_catalog.' || f.signature, 'execute')
               order by f.place),
             current_setting('max_active_replication_origins', true),
             current_setting('max_replication_slots')
      """;

  // Which origins are active is shown to superusers only. So each origin of somebody else counts
  // as one that is, and of a configuration of ours two of its names do: its stream and a decision.
  private static final String USED =
      """
      select count(*) filter (where o.roname not like 'tidemark\\_%')
               + 2 * count(distinct substr(o.roname, 1, ?)) filter (
                 where o.roname like 'tidemark\\_%' and not starts_with(o.roname, ?))
      from pg_catalog.pg_replication_origin o
      """;

  PgOriginFacts {
    obstacles = List.copyOf(obstacles);
    remedies = List.copyOf(remedies);
  }

  boolean areUsable() {
    return obstacles.isEmpty();
  }

  /**
   * @param self the configuration that is asked about; null if it is a new one
   */
  static PgOriginFacts of(Connection target, @Nullable UUID self) throws SQLException {
    List<String> obstacles = new ArrayList<>();
    List<String> remedies = new ArrayList<>();
    try (PreparedStatement statement = target.prepareStatement(FACTS);
        ResultSet row = statement.executeQuery()) {
      row.next();
      if (!row.getBoolean(1)) {
        obstacles.add("the target has track_commit_timestamp off");
        remedies.add("alter system set track_commit_timestamp = on, and restart the target");
      }
      List<String> denied = List.of((String[]) row.getArray(3).getArray());
      if (!denied.isEmpty()) {
        obstacles.add("the target's role may not use replication origins");
        remedies.add(
            "grant execute on function " + String.join(", ", denied) + " to " + row.getString(2));
      }
      String active = row.getString(4);
      String setting = active == null ? "max_replication_slots" : "max_active_replication_origins";
      int max = Integer.parseInt(active == null ? row.getString(5) : active);
      if (used(target, self) >= max) {
        obstacles.add("all " + max + " replication origins of the target are taken");
        remedies.add("raise " + setting + " of the target, and restart it");
      }
    }
    return new PgOriginFacts(obstacles, remedies);
  }

  private static long used(Connection target, @Nullable UUID self) throws SQLException {
    String prefix = PgOrigins.prefix(self == null ? new UUID(0, 0) : self);
    try (PreparedStatement statement = target.prepareStatement(USED)) {
      statement.setInt(1, prefix.length());
      statement.setString(2, prefix);
      try (ResultSet row = statement.executeQuery()) {
        row.next();
        return row.getLong(1);
      }
    }
  }
}
