package io.tidemark.capture;

import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;

/**
 * The source block of a Debezium record, which carries the message itself by reference: a record
 * never leaves this process before it is written, so nothing needs to be taken apart and put
 * together again.
 */
final class DebeziumStamp extends Struct {
  /** One instance: structs are checked against their schema by identity first. */
  static final Schema SCHEMA =
      SchemaBuilder.struct()
          .name("io.tidemark.capture.Source")
          .field("lsn", Schema.OPTIONAL_INT64_SCHEMA)
          .optional()
          .build();

  private final PgOutputMessage message;

  DebeziumStamp(PgOutputMessage message) {
    super(SCHEMA);
    this.message = message;
  }

  PgOutputMessage message() {
    return message;
  }

  @Override
  public boolean equals(Object other) {
    return this == other;
  }

  @Override
  public int hashCode() {
    return System.identityHashCode(this);
  }
}
