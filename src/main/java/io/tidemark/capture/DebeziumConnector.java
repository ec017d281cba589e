package io.tidemark.capture;

import io.debezium.connector.postgresql.PostgresConnector;
import org.apache.kafka.connect.connector.Task;

/** Debezium's PostgreSQL connector with our task. Public because the engine makes it by name. */
public final class DebeziumConnector extends PostgresConnector {
  @Override
  public Class<? extends Task> taskClass() {
    return DebeziumTask.class;
  }
}
