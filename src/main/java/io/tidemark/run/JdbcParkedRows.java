package io.tidemark.run;

import io.tidemark.apply.AppliedPosition;
import io.tidemark.apply.ParkedRow;
import io.tidemark.apply.ParkedRows;
import io.tidemark.change.RowKey;
import io.tidemark.postgres.PgTimes;
import io.tidemark.sync.Page;
import io.tidemark.sync.PageCursor;
import io.tidemark.sync.PageRequest;
import io.tidemark.sync.SyncConfiguration;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.InstantSource;
import java.time.OffsetDateTime;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import org.jdbi.v3.core.Jdbi;
import org.jdbi.v3.core.statement.PreparedBatch;
import org.jdbi.v3.core.statement.StatementContext;

/** The table {@code sync_parked_rows}: changes that targets refused, each with its reason. */
public final class JdbcParkedRows {
  // One place in the topic is one row: the same batch may come again after a crash.
  private static final String PARK =
      """
      insert into sync_parked_rows as p
        (configuration_id, topic, partition, "offset", target_table, row_key, reason_code,
         message, source_position, attempts, parked_at)
      values (:configuration, :topic, :partition, :offset, :table,
              jsonb_object(:columns::text[], :key::text[]), :code, :message, :position, 1, :at)
      on conflict (configuration_id, topic, partition, "offset") do update
      set attempts = p.attempts + 1, reason_code = excluded.reason_code,
          message = excluded.message
      """;

  private static final String AMONG =
      """
      select asked.place
      from (
        select i as place,
               jsonb_object(cast(:columns as text[]), (cast(:values as text[]))[i * :size + 1 : (i + 1) * :size]) as row_key
        from generate_series(0, :count - 1) i) asked
      where exists (
        select
        from sync_parked_rows p
        where p.configuration_id = :configuration and p.row_key = asked.row_key)
      """;

  private static final String SETTLE =
      """
      delete from sync_parked_rows
      where configuration_id = :configuration
        and topic = :topic
        and partition = :partition
        and "offset" < :next
      """;

  private static final String COUNTS =
      """
      select configuration_id, count(*)
      from sync_parked_rows
      where configuration_id in (<ids>)
      group by configuration_id
      """;

  private static final String SELECT =
      """
      select p.id, p.configuration_id, p.target_table, p.row_key::text, p.reason_code, p.message,
             p.topic, p.partition, p."offset", p.source_position, p.attempts, p.parked_at
      from sync_parked_rows p
      """;

  private static final String OF_ROW =
      SELECT
          + """
          where p.configuration_id = :configuration
            and p.row_key = jsonb_object(cast(:columns as text[]), cast(:key as text[]))
          order by p.parked_at desc, p.id desc
          limit :limit
          """;

  // A parameter that is null does not filter.
  private static final String PAGE =
      SELECT
          + """
          where p.configuration_id = :configuration
            and (cast(:at as timestamptz) is null
              or (p.parked_at, p.id) < (cast(:at as timestamptz), cast(:after as uuid)))
          order by p.parked_at desc, p.id desc
          limit :limit
          """;

  private final Jdbi jdbi;
  private final InstantSource clock;

  public JdbcParkedRows(Jdbi jdbi, InstantSource clock) {
    this.jdbi = jdbi;
    this.clock = clock;
  }

  /** Where this configuration's refused rows are set aside. */
  ParkedRows of(SyncConfiguration configuration) {
    return new ParkedRows() {
      @Override
      public void park(List<ParkedRow> rows) {
        JdbcParkedRows.this.park(configuration, rows);
      }

      @Override
      public Set<RowKey> among(List<String> keyColumns, Collection<RowKey> keys) {
        return JdbcParkedRows.this.among(configuration.id(), keyColumns, List.copyOf(keys));
      }
    };
  }

  private Set<RowKey> among(UUID configuration, List<String> keyColumns, List<RowKey> keys) {
    return jdbi.withHandle(
        handle ->
            handle
                .createQuery(AMONG)
                .bind("configuration", configuration)
                .bindArray("columns", String.class, keyColumns)
                .bindArray(
                    "values",
                    String.class,
                    keys.stream().flatMap(key -> key.values().stream()).toList())
                .bind("size", keyColumns.size())
                .bind("count", keys.size())
                .mapTo(Integer.class)
                .map(place -> keys.get(place))
                .set());
  }

  private void park(SyncConfiguration configuration, List<ParkedRow> rows) {
    jdbi.useTransaction(
        handle -> {
          PreparedBatch batch = handle.prepareBatch(PARK);
          for (ParkedRow row : rows) {
            batch
                .bind("configuration", configuration.id())
                .bind("topic", row.topic())
                .bind("partition", row.partition())
                .bind("offset", row.offset())
                .bind("table", configuration.definition().target().toString())
                .bindArray("columns", String.class, row.keyColumns())
                .bindArray("key", String.class, row.key().values())
                .bind("code", row.code())
                .bind("message", row.reason())
                .bind("position", row.position().toString())
                .bind("at", PgTimes.bindable(clock.instant()))
                .add();
          }
          batch.execute();
        });
  }

  /** Forgets what was refused before these positions: a full copy has brought all of it. */
  void settle(UUID configuration, Collection<AppliedPosition> reached) {
    jdbi.useTransaction(
        handle -> {
          for (AppliedPosition position : reached) {
            handle
                .createUpdate(SETTLE)
                .bind("configuration", configuration)
                .bind("topic", position.topic())
                .bind("partition", position.partition())
                .bind("next", position.nextOffset())
                .execute();
          }
        });
  }

  /** How many rows wait, of those of the configurations that have any. */
  public Map<UUID, Long> counts(Collection<UUID> configurations) {
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

  /** A page of a configuration's parked rows, newest first. */
  public Page<Parked> page(UUID configuration, PageRequest request) {
    List<Parked> rows =
        jdbi.withHandle(
            handle ->
                handle
                    .createQuery(PAGE)
                    .bind("configuration", configuration)
                    .bindByType(
                        "at",
                        request.after().map(cursor -> PgTimes.bindable(cursor.at())).orElse(null),
                        OffsetDateTime.class)
                    .bind("after", request.after().map(PageCursor::id).orElse(null))
                    .bind("limit", request.limit() + 1)
                    .map(JdbcParkedRows::read)
                    .list());
    return Page.of(rows, request.limit(), last -> new PageCursor(last.parkedAt(), last.id()));
  }

  /** The changes of one row that wait, newest first. */
  List<Parked> ofRow(UUID configuration, List<String> keyColumns, RowKey key, int limit) {
    return jdbi.withHandle(
        handle ->
            handle
                .createQuery(OF_ROW)
                .bind("configuration", configuration)
                .bindArray("columns", String.class, keyColumns)
                .bindArray("key", String.class, key.values())
                .bind("limit", limit)
                .map(JdbcParkedRows::read)
                .list());
  }

  private static Parked read(ResultSet row, StatementContext context) throws SQLException {
    return new Parked(
        row.getObject("id", UUID.class),
        row.getObject("configuration_id", UUID.class),
        row.getString("target_table"),
        row.getString("row_key"),
        row.getString("reason_code"),
        row.getString("message"),
        row.getString("topic"),
        row.getInt("partition"),
        row.getLong("offset"),
        row.getString("source_position"),
        row.getInt("attempts"),
        PgTimes.read(row, "parked_at"));
  }
}
