package io.tidemark.capture;

import io.debezium.config.CommonConnectorConfig;
import io.debezium.connector.SourceInfoStructMaker;
import io.debezium.connector.postgresql.SourceInfo;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.Struct;
import org.jspecify.annotations.Nullable;

/** Stamps each record with its message. Public because the connector makes it by name. */
public final class DebeziumStamper implements SourceInfoStructMaker<SourceInfo> {
  private @Nullable String sessionId;

  @Override
  public void init(String connector, String version, CommonConnectorConfig config) {
    sessionId = config.getLogicalName();
  }

  @Override
  public Schema schema() {
    return DebeziumStamp.SCHEMA;
  }

  /** Called by the streaming thread while it hands on the session's current message. */
  @Override
  public Struct struct(SourceInfo source) {
    PgOutputMessage message = DebeziumSession.of(sessionId).current();
    return message == null ? new Struct(DebeziumStamp.SCHEMA) : new DebeziumStamp(message);
  }
}
