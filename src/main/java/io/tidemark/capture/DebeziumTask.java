package io.tidemark.capture;

import io.debezium.DebeziumException;
import io.debezium.config.Configuration;
import io.debezium.connector.postgresql.PostgresConnectorConfig;
import io.debezium.connector.postgresql.PostgresConnectorTask;
import io.debezium.connector.postgresql.PostgresOffsetContext;
import io.debezium.connector.postgresql.PostgresPartition;
import io.debezium.connector.postgresql.PostgresSchema;
import io.debezium.connector.postgresql.connection.PostgresConnection;
import io.debezium.connector.postgresql.connection.ReplicationConnection;
import io.debezium.pipeline.ChangeEventSourceCoordinator;
import java.util.List;
import org.apache.kafka.connect.source.SourceRecord;
import org.jspecify.annotations.Nullable;

/**
 * Debezium's task over our replication stream. Public because the engine makes it by name.
 *
 * <p>What stays Debezium's: the engine's life, the streaming thread, the bounded queue between it
 * and the writer, and the path of a written record's offset back to the slot. What is ours: how
 * streaming starts (never from a stored offset, which loses rows in 3.6) and what a record holds
 * (the server's own bytes, since Debezium's converters lose parts of many types).
 */
public final class DebeziumTask extends PostgresConnectorTask {
  /** How long an idle poll sleeps; only a failure of the streaming thread waits this long. */
  private static final long IDLE_MILLIS = 200;

  private @Nullable DebeziumSession session;
  private boolean drained;

  @Override
  protected ReplicationConnection buildReplicationConnection(
      PostgresConnection jdbc, PostgresSchema schema, PostgresConnectorConfig config) {
    DebeziumSession found = DebeziumSession.of(config.getLogicalName());
    session = found;
    return new DebeziumReplication(found);
  }

  /** INVARIANT: never over another connection than ours: its records would be none of ours. */
  @Override
  public ChangeEventSourceCoordinator<PostgresPartition, PostgresOffsetContext> start(
      Configuration config) {
    var coordinator = super.start(config);
    if (session == null) {
      throw new DebeziumException("Debezium did not ask our task for its replication connection");
    }
    return coordinator;
  }

  @Override
  public List<SourceRecord> doPoll() throws InterruptedException {
    if (drained && session != null) {
      session.awaitArrival(IDLE_MILLIS);
    }
    List<SourceRecord> records = super.doPoll();
    drained = records.isEmpty();
    return records;
  }
}
