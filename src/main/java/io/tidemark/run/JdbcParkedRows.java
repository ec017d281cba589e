package io.tidemark.run;

import io.tidemark.apply.ParkedRow;
import io.tidemark.apply.ParkedRows;
import io.tidemark.postgres.PgTimes;
import io.tidemark.sync.SyncConfiguration;
import java.time.InstantSource;
import java.util.List;
import org.jdbi.v3.core.Jdbi;
import org.jdbi.v3.core.statement.PreparedBatch;

/** The table {@code sync_parked_rows}: changes that the target of one configuration refused. */
public final class JdbcParkedRows implements ParkedRows {
  // One place in the topic is one row: the same batch may come again after a crash.
  private static final String PARK =
      """
      insert into sync_parked_rows as p
        (configuration_id, topic, partition, "offset", target_table, row_key, reason_code,
         message, source_position, attempts, parked_at)
      values (:configuration, :topic, :partition, :offset, :table, to_jsonb(:key::text[]), :code,
              :message, :position, 1, :at)
      on conflict (configuration_id, topic, partition, "offset") do update
      set attempts = p.attempts + 1, reason_code = excluded.reason_code,
          message = excluded.message
      """;

  private final Jdbi jdbi;
  private final SyncConfiguration configuration;
  private final InstantSource clock;

  public JdbcParkedRows(Jdbi jdbi, SyncConfiguration configuration, InstantSource clock) {
    this.jdbi = jdbi;
    this.configuration = configuration;
    this.clock = clock;
  }

  @Override
  public void park(List<ParkedRow> rows) {
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
}
