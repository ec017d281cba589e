package io.tidemark.conflict;

import io.tidemark.change.WireName;
import io.tidemark.postgres.PgTimes;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Jdbi;
import org.jdbi.v3.core.statement.StatementContext;
import org.jspecify.annotations.Nullable;

/** The table {@code sync_conflicts}, for reading. */
public final class JdbcConflicts {
  private static final String SELECT =
      """
      select c.id, c.configuration_id, c.target_table, c.row_key::text, c.type, c.status,
             c.strategy, c.source_row::text, c.target_row::text, c.base_row::text,
             array(select jsonb_array_elements_text(c.differing_columns)) as differing,
             c.source_position, c.detected_at, c.resolved_at, c.resolved_by, c.resolution, c.note
      from sync_conflicts c
      """;

  // A parameter that is null does not filter. Its cast tells the server its type all the same.
  private static final String PAGE =
      SELECT
          + """
          where (cast(:configuration as uuid) is null
              or c.configuration_id = cast(:configuration as uuid))
            and (cast(:status as text) is null or c.status = :status)
            and (cast(:type as text) is null or c.type = :type)
            and (cast(:key as text) is null
              or exists (
                select
                from jsonb_each_text(c.row_key) k
                where k.value = :key)
              or c.row_key::text = :key)
            and (cast(:at as timestamptz) is null
              or (c.detected_at, c.id) < (cast(:at as timestamptz), cast(:after as uuid)))
          order by c.detected_at desc, c.id desc
          limit :limit
          """;

  private final Jdbi jdbi;

  public JdbcConflicts(Jdbi jdbi) {
    this.jdbi = jdbi;
  }

  /**
   * Which conflicts are asked for; null for any.
   *
   * @param key the value of one of the key's columns, or the whole key as JSON
   */
  public record Filter(
      @Nullable UUID configurationId,
      @Nullable ConflictStatus status,
      @Nullable ConflictType type,
      @Nullable String key) {}

  public Optional<Conflict> find(UUID id) {
    return jdbi.withHandle(
        handle ->
            handle
                .createQuery(SELECT + "where c.id = :id")
                .bind("id", id)
                .map(JdbcConflicts::read)
                .findOne());
  }

  /**
   * Conflicts, newest first.
   *
   * @param at when the last one of the page before was detected; null for the first page
   * @param after the id of that one
   */
  public List<Conflict> newest(
      Filter filter, @Nullable Instant at, @Nullable UUID after, int limit) {
    return jdbi.withHandle(
        handle ->
            handle
                .createQuery(PAGE)
                .bind("configuration", filter.configurationId())
                .bind("status", filter.status() == null ? null : WireName.of(filter.status()))
                .bind("type", filter.type() == null ? null : WireName.of(filter.type()))
                .bind("key", filter.key())
                .bindByType("at", at == null ? null : PgTimes.bindable(at), OffsetDateTime.class)
                .bind("after", after)
                .bind("limit", limit)
                .map(JdbcConflicts::read)
                .list());
  }

  private static Conflict read(ResultSet row, StatementContext context) throws SQLException {
    return new Conflict(
        row.getObject("id", UUID.class),
        row.getObject("configuration_id", UUID.class),
        row.getString("target_table"),
        row.getString("row_key"),
        WireName.read(ConflictType.class, row.getString("type")),
        WireName.read(ConflictStatus.class, row.getString("status")),
        WireName.read(ConflictResolution.class, row.getString("strategy")),
        row.getString("source_row"),
        row.getString("target_row"),
        row.getString("base_row"),
        List.of((String[]) row.getArray("differing").getArray()),
        row.getString("source_position"),
        PgTimes.read(row, "detected_at"),
        PgTimes.readNullable(row, "resolved_at"),
        row.getString("resolved_by"),
        row.getString("resolution"),
        row.getString("note"));
  }
}
