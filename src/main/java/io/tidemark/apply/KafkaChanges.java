package io.tidemark.apply;

import io.tidemark.change.ChangeJson;
import io.tidemark.change.OperatingFailure;
import java.io.IOException;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.Header;
import org.jspecify.annotations.Nullable;

/** Reads a topic's records as changes. For one thread. */
final class KafkaChanges {
  private final ChangeJson.Reader reader;

  KafkaChanges(String sourceConnection) {
    this(new ChangeJson.Reader(sourceConnection));
  }

  KafkaChanges(ChangeJson.Reader reader) {
    this.reader = reader;
  }

  /**
   * The record's change.
   *
   * @throws OperatingFailure if the record is none
   */
  TopicChange read(ConsumerRecord<byte[], byte[]> record) {
    try {
      return new TopicChange(
          reader.change(
              record.value(),
              header(record, ChangeJson.OLD_KEY_HEADER),
              header(record, ChangeJson.NEW_KEY_HEADER)),
          record.offset());
    } catch (IOException | RuntimeException e) {
      // Without the cause: a parser's message quotes what it read.
      throw new OperatingFailure(
          OperatingFailure.Kind.BROKER,
          "unreadable_record",
          "the record at offset %d of %s-%d is not a change (%s)"
              .formatted(
                  record.offset(),
                  record.topic(),
                  record.partition(),
                  e.getClass().getSimpleName()),
          "something else writes into the topic; run a full sync once that has stopped",
          null);
    }
  }

  /** The record's bytes, key and value. */
  static long size(ConsumerRecord<byte[], byte[]> record) {
    return Math.max(0, record.serializedKeySize()) + Math.max(0, record.serializedValueSize());
  }

  private static byte @Nullable [] header(ConsumerRecord<byte[], byte[]> record, String name) {
    Header header = record.headers().lastHeader(name);
    return header == null ? null : header.value();
  }
}
