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
             end,
             max(p.store_mark), min(p.installation)
      from tidemark.applied_position p
      left join pg_catalog.pg_namespace n on n.nspname = (pg_catalog.parse_ident(p.target_name))[1]
      left join pg_catalog.pg_class c
        on c.relnamespace = n.oid and c.relname = (pg_catalog.parse_ident(p.target_name))[2]
      where p.configuration_id = any (?)
      group by p.configuration_id, p.topic
      """;

  // Skips what a copy has locked: a look does not wait for it.
  private static final String REMEMBER =
      """
      update tidemark.applied_position p
      set store_mark = greatest(p.store_mark, ?::int8), installation = ?::text
      from (
        select topic, partition
        from tidemark.applied_position
        where configuration_id = ?::uuid
        for update skip locked) free
      where p.configuration_id = ?::uuid and p.topic = free.topic and p.partition = free.partition
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

  private static final String OWNED_BY =
      "select distinct configuration_id from tidemark.applied_position where installation = ?";

  /** A mark that says that the metadata database has lost records since the last copy. */
  public static final long LOST = Long.MAX_VALUE;

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
   * @param storeMark the newest record in the metadata database of a row that differs; 0 if there
   *     was none since the last copy
   * @param installation whose metadata database that is; null if it was not noted yet
   */
  public record Held(
      String trackingId, Table table, long storeMark, @Nullable String installation) {}

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
              .put(
                  row.getString(2),
                  new Held(
                      row.getString(3),
                      Table.valueOf(row.getString(4)),
                      row.getLong(5),
                      row.getString(6)));
        }
      }
      return new PgTargetPositions(found);
    }
  }

  /** Has the target remember a mark, if it is greater than the one before, and whose it is. */
  public static void remember(
      PgSession session, UUID configuration, long mark, String installation) {
    try (PreparedStatement statement = session.connection().prepareStatement(REMEMBER)) {
      statement.setLong(1, mark);
      statement.setString(2, installation);
      statement.setObject(3, configuration);
      statement.setObject(4, configuration);
      statement.executeUpdate();
    } catch (SQLException e) {
      throw PgFailures.of(e, OperatingFailure.Kind.TARGET, "table tidemark.applied_position");
    }
  }

  /** The configurations of an installation that have positions here. */
  public static Set<UUID> ownedBy(PgSession session, String installation) {
    try {
      JdbcPositions.ensureTable(session.connection());
      Set<UUID> owned = new HashSet<>();
      try (PreparedStatement statement = session.connection().prepareStatement(OWNED_BY)) {
        statement.setString(1, installation);
        try (ResultSet row = statement.executeQuery()) {
          while (row.next()) {
            owned.add(row.getObject(1, UUID.class));
          }
        }
      }
      return owned;
    } catch (SQLException e) {
      throw PgFailures.of(e, OperatingFailure.Kind.TARGET, "table tidemark.applied_position");
    }
  }

  /** Empty if the configuration was never in sync with the topic. */
  public Optional<Held> find(UUID configuration, String topic) {
    return Optional.ofNullable(positions.getOrDefault(configuration, Map.of()).get(topic));
  }
}
