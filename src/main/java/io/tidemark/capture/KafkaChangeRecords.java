package io.tidemark.capture;

import io.tidemark.capture.Captured.Changed;
import io.tidemark.change.Change;
import io.tidemark.change.ChangeJson;
import io.tidemark.change.OperatingFailure;
import io.tidemark.change.Row;
import io.tidemark.change.TableName;
import java.time.Clock;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;

/** A connection's changes as records of their tables' topics. Used by the writer's thread alone. */
final class KafkaChangeRecords {
  /** What a change may take; the rest is left for what Kafka adds to a record. */
  private static final int CHANGE_BYTES_MAX = KafkaTopics.RECORD_BYTES_MAX - (64 << 10);

  private final String connection;
  private final KafkaTopics topics;
  private final Clock clock;
  private final ChangeJson.Writer json;
  private final Map<TableName, String> topicOf = new HashMap<>();

  KafkaChangeRecords(CaptureSettings settings, String connection, KafkaTopics topics, Clock clock) {
    this.connection = connection;
    this.topics = topics;
    this.clock = clock;
    json = new ChangeJson.Writer(settings.version(), settings.topicPrefix());
  }

  /** Names the topic of a table. One that is not named gets a topic with its first change. */
  void writesTo(String topic, TableName table) {
    topicOf.put(table, topic);
  }

  /**
   * A change's records: one, or one for each partition if it is about every row.
   *
   * @param producer knows the topic's partitions
   */
  List<ProducerRecord<byte[], byte[]>> of(Changed changed, Producer<byte[], byte[]> producer) {
    Change change = changed.change();
    String topic =
        topicOf.computeIfAbsent(change.table(), table -> topics.ensureChanges(connection, table));
    byte[] value = json.value(change, clock.millis() * 1000);
    if (change instanceof Change.Truncate) {
      return IntStream.range(0, producer.partitionsFor(topic).size())
          .mapToObj(partition -> new ProducerRecord<byte[], byte[]>(topic, partition, null, value))
          .toList();
    }
    Row key = changed.key();
    // Without a key nothing says which rows belong together, so all of them keep one order.
    ProducerRecord<byte[], byte[]> record =
        key == null
            ? new ProducerRecord<>(topic, 0, null, value)
            : new ProducerRecord<>(topic, json.key(key), value);
    // A key change has the other key in a header.
    if (change instanceof Change.Delete delete && delete.newKey() != null) {
      record.headers().add(ChangeJson.NEW_KEY_HEADER, json.key(delete.newKey()));
    }
    if (change instanceof Change.Insert insert && insert.oldKey() != null) {
      record.headers().add(ChangeJson.OLD_KEY_HEADER, json.key(insert.oldKey()));
    }
    return List.of(record);
  }

  /** Bytes of their keys, values and headers' values. */
  static long size(List<ProducerRecord<byte[], byte[]>> records) {
    long bytes = 0;
    for (ProducerRecord<byte[], byte[]> record : records) {
      bytes += record.value().length + (record.key() == null ? 0L : record.key().length);
      for (Header header : record.headers()) {
        bytes += header.value().length;
      }
    }
    return bytes;
  }

  /**
   * Why a change can't be written, if it can't.
   *
   * @param bytes that it takes as a record, or all its records together
   */
  Optional<OperatingFailure> refusal(Change change, long bytes) {
    if (bytes <= CHANGE_BYTES_MAX) {
      return Optional.empty();
    }
    return Optional.of(
        new OperatingFailure(
            OperatingFailure.Kind.CAPACITY,
            "change_too_large",
            "a change of "
                + change.table()
                + " takes "
                + bytes
                + " bytes, and a record in Kafka "
                + CHANGE_BYTES_MAX
                + " at most; the changes after it wait",
            "make the row smaller at the source (REPLICA IDENTITY FULL sends it twice), or delete"
                + " the table's configurations; then POST /captures/"
                + connection
                + "/reset with {\"force\": true}, which leaves the change out and copies the tables"
                + " in full",
            null));
  }
}
