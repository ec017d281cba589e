package io.tidemark.conflict;

import io.tidemark.change.SourcePosition;
import io.tidemark.change.WireName;
import io.tidemark.postgres.Lsn;
import io.tidemark.postgres.PgTimes;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.InstantSource;
import java.time.OffsetDateTime;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.Jdbi;
import org.jdbi.v3.core.statement.StatementContext;
import org.jspecify.annotations.Nullable;

/** The table {@code sync_conflicts}: what is read of it, and how long its rows stay. */
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

  private static final String OF_ROW =
      SELECT
          + """
          where c.configuration_id = :configuration and c.key_values = cast(:key as text[])
          order by c.detected_at desc, c.id desc
          limit :limit
          """;

  private static final String COUNTS =
      """
      select configuration_id, count(*)
      from sync_conflicts
      where configuration_id in (<ids>) and status = 'pending'
      group by configuration_id
      """;

  private static final String DELETE_ENDED =
      """
      delete from sync_conflicts
      where id in (
        select id
        from sync_conflicts
        where status <> 'pending' and resolved_at < :before
        order by resolved_at
        limit :limit
        for update skip locked)
      """;

  // A change that joined after the copy was taken is not in it: its conflict goes on waiting.
  private static final String SUPERSEDE_COPIED =
      """
      update sync_conflicts c
      set status = 'superseded', resolved_at = :now
      where c.configuration_id = :configuration
        and c.status = 'pending'
        and c.partition = :partition
        and c.topic = :topic
        and %s <= (cast(:lsn as pg_lsn), :ordinal, :part)
      """
          .formatted(ConflictSql.POSITION.formatted("c.source_position"));

  private static final String SUPERSEDE_COMPARED =
      """
      update sync_conflicts c
      set status = 'superseded', resolved_at = :now
      where c.configuration_id = :configuration
        and c.status = 'pending'
        and c.partition < 0
        and c.detected_at < :before
        and (c.source_position is null or %s <= (cast(:lsn as pg_lsn), 0, 0))
      """
          .formatted(ConflictSql.POSITION.formatted("c.source_position"));

  private static final String SUPERSEDE_ALL =
      """
      update sync_conflicts c
      set status = 'superseded', resolved_at = :now
      where c.configuration_id = :configuration and c.status = 'pending'
      """;

  private final Jdbi jdbi;
  private final ConflictSettings settings;
  private final InstantSource clock;

  public JdbcConflicts(Jdbi jdbi, ConflictSettings settings, InstantSource clock) {
    this.jdbi = jdbi;
    this.settings = settings;
    this.clock = clock;
  }

  /** Where this configuration's conflicts are put on record. */
  public ConflictLog log(JdbcConflictLog.Owner owner) {
    return new JdbcConflictLog(jdbi, owner, settings.waitingMax(), clock, UUID::randomUUID);
  }

  /** How many wait for a person, of those of the configurations where any does. */
  public Map<UUID, Long> pending(Collection<UUID> configurations) {
    if (configurations.isEmpty()) {
      return Map.of();
    }
    return jdbi.withHandle(
        handle ->
            handle
                .createQuery(COUNTS)
                .bindList("ids", List.copyOf(configurations))
                .reduceRows(
                    new HashMap<UUID, Long>(),
                    (counts, row) -> {
                      counts.put(
                          row.getColumn("configuration_id", UUID.class),
                          row.getColumn("count", Long.class));
                      return counts;
                    }));
  }

  /** Deletes some of those that ended longer ago than they are kept; answers how many. */
  public int deleteExpired(int limit) {
    Instant before = clock.instant().minus(settings.retention());
    return jdbi.withHandle(
        handle ->
            handle
                .createUpdate(DELETE_ENDED)
                .bind("before", PgTimes.bindable(before))
                .bind("limit", limit)
                .execute());
  }

  /** Ends the wait of rows whose last change a full copy has brought, up to this place. */
  public int supersedeCopied(
      UUID configuration, String topic, int partition, SourcePosition reached) {
    return jdbi.withHandle(
        handle ->
            handle
                .createUpdate(SUPERSEDE_COPIED)
                .bind("configuration", configuration)
                .bind("topic", topic)
                .bind("partition", partition)
                .bind("lsn", Lsn.text(reached.commitLsn()))
                .bind("ordinal", reached.ordinal())
                .bind("part", reached.part())
                .bind("now", PgTimes.bindable(clock.instant()))
                .execute());
  }

  /** Ends the wait of all: what they were about is not kept in step any more. */
  public int supersedeAll(UUID configuration) {
    return jdbi.withHandle(
        handle ->
            handle
                .createUpdate(SUPERSEDE_ALL)
                .bind("configuration", configuration)
                .bind("now", PgTimes.bindable(clock.instant()))
                .execute());
  }

  /**
   * Ends the wait of rows that a comparison found before a full copy began. Changes may have joined
   * them since.
   *
   * @param lsn the copy has every change that was committed before it
   */
  public int supersedeCompared(UUID configuration, Instant copyBegan, long lsn) {
    return jdbi.withHandle(
        handle ->
            handle
                .createUpdate(SUPERSEDE_COMPARED)
                .bind("configuration", configuration)
                .bind("before", PgTimes.bindable(copyBegan))
                .bind("lsn", Lsn.text(lsn))
                .bind("now", PgTimes.bindable(clock.instant()))
                .execute());
  }

  /** Reads a conflict and holds it until the transaction ends. */
  static Optional<Conflict> lock(Handle handle, UUID id) {
    return handle
        .createQuery(SELECT + "where c.id = :id for update")
        .bind("id", id)
        .map(JdbcConflicts::read)
        .findOne();
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

  /**
   * The conflicts of one row, newest first.
   *
   * @param key the values of the key's columns, in the key's order
   */
  public List<Conflict> ofRow(UUID configuration, List<@Nullable String> key, int limit) {
    return jdbi.withHandle(
        handle ->
            handle
                .createQuery(OF_ROW)
                .bind("configuration", configuration)
                .bindArray("key", String.class, key)
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
