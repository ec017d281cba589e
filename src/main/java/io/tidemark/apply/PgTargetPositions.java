package io.tidemark.apply;

import io.tidemark.change.OperatingFailure;
import io.tidemark.postgres.PgFailures;
import io.tidemark.postgres.PgSession;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * What a target database holds of configurations' positions, and whether the tables are still those
 * that were synced.
 *
 * @param positions by configuration and topic
 */
public record PgTargetPositions(Map<UUID, Map<String, Held>> positions) {
  // By the catalog's own tables: to_regclass fails in a schema that the role may not use.
  private static final String LOOK =
      """
      select p.configuration_id, p.topic, coalesce(min(p.tracking_id), ''),
             case
               when bool_or(p.target_name is null) then 'UNKNOWN'
               when bool_or(c.oid is null) then 'MISSING'
               when bool_or(c.oid <> p.target_oid or p.target_oid is null) then 'REPLACED'
               else 'SAME'
             end
      from tidemark.applied_position p
      left join pg_catalog.pg_namespace n on n.nspname = (pg_catalog.parse_ident(p.target_name))[1]
      left join pg_catalog.pg_class c
        on c.relnamespace = n.oid and c.relname = (pg_catalog.parse_ident(p.target_name))[2]
      where p.configuration_id = any (?)
      group by p.configuration_id, p.topic
      """;

  private static final String EXISTS =
      "select pg_catalog.to_regclass('tidemark.applied_position') is not null"
          + " and pg_catalog.to_regclass('tidemark.kept_row') is not null";

  private static final String OWNERS =
      """
      select configuration_id from tidemark.applied_position
      union
      select configuration_id from tidemark.kept_row
      """;

  public PgTargetPositions {
    positions = Map.copyOf(positions);
  }

  /** The target table, compared with the one that was synced. */
  public enum Table {
    SAME,
    MISSING,
    REPLACED,
    /** An earlier release did not note it. */
    UNKNOWN
  }

  /**
   * The positions in one topic.
   *
   * @param trackingId empty if an earlier release has set them
   */
  public record Held(String trackingId, Table table) {}

  /** The configurations that have positions here, those of other installations too. */
  public static Set<UUID> owners(PgSession session) {
    Set<UUID> owners = new HashSet<>();
    if (session.isTrue(EXISTS)) {
      for (List<@Nullable String> row : session.rows(OWNERS)) {
        owners.add(UUID.fromString(String.valueOf(row.get(0))));
      }
    }
    return owners;
  }

  /** Reads the positions of configurations; makes the table of positions where it is missing. */
  public static PgTargetPositions look(PgSession session, Collection<UUID> configurations) {
    try {
      JdbcPositions.ensureTable(session.connection());
      return look(session.connection(), configurations);
    } catch (SQLException e) {
      throw PgFailures.of(e, OperatingFailure.Kind.TARGET, "table tidemark.applied_position");
    }
  }

  private static PgTargetPositions look(Connection connection, Collection<UUID> configurations)
      throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(LOOK)) {
      statement.setArray(1, connection.createArrayOf("uuid", configurations.toArray()));
      Map<UUID, Map<String, Held>> found = new HashMap<>();
      try (ResultSet row = statement.executeQuery()) {
        while (row.next()) {
          found
              .computeIfAbsent(row.getObject(1, UUID.class), id -> new HashMap<>())
              .put(row.getString(2), new Held(row.getString(3), Table.valueOf(row.getString(4))));
        }
      }
      return new PgTargetPositions(found);
    }
  }

  /** Empty if the configuration was never in sync with the topic. */
  public Optional<Held> find(UUID configuration, String topic) {
    return Optional.ofNullable(positions.getOrDefault(configuration, Map.of()).get(topic));
  }
}
