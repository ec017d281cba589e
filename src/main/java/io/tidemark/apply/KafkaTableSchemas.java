package io.tidemark.apply;

import io.tidemark.change.OperatingFailure;
import io.tidemark.change.TableName;
import io.tidemark.change.TableSchema;
import io.tidemark.change.TableSchemaJson;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;

/**
 * The schemas that a source connection's changes name ({@code ChangeSource.schemaId}). Reads their
 * topic when it is asked for one that it does not know, and keeps no connection in between. For one
 * thread.
 */
public final class KafkaTableSchemas {
  /** A stop of the loop may have to wait for so long. */
  private static final Duration ANSWER_MAX = Duration.ofSeconds(10);

  private static final Duration POLL_MAX = Duration.ofMillis(200);

  private final ApplyTask task;
  private final Map<String, Object> kafka;
  private final TopicPartition partition;

  /** All of the connection's, not only this table's: some kilobytes each. */
  private final Map<String, TableSchema> known = new LinkedHashMap<>();

  private boolean isRead;

  public KafkaTableSchemas(ApplyTask task, Map<String, Object> kafka) {
    this.task = task;
    this.kafka = Map.copyOf(kafka);
    this.partition = new TopicPartition(task.schemaTopic(), 0);
  }

  /**
   * The schema that a change names.
   *
   * @throws OperatingFailure {@code schema_unknown} if the topic does not hold it
   * @throws org.apache.kafka.common.KafkaException if the brokers do not answer in time
   */
  TableSchema require(String id) {
    return find(id)
        .orElseThrow(
            () ->
                new OperatingFailure(
                    OperatingFailure.Kind.BROKER,
                    "schema_unknown",
                    "topic " + task.schemaTopic() + " does not hold schema " + id,
                    "if that topic was deleted, restart the process that captures '"
                        + task.sourceConnection()
                        + "': it writes the schemas that it meets anew; if that does not help,"
                        + " run a full sync of this configuration (execute with mode full)",
                    null));
  }

  /** Likewise; empty if the topic does not hold it, or is not there. */
  Optional<TableSchema> find(String id) {
    // INVARIANT: a schema is committed before the first change that names it. So whoever asks for
    // that of a change finds it before the end that the topic has now, or never.
    if (!known.containsKey(id)) {
      readAll();
    }
    return Optional.ofNullable(known.get(id));
  }

  /**
   * The versions of a table's schema in the order in which they were last written; read once.
   *
   * @throws OperatingFailure {@code broker_unreachable} if the brokers do not answer in time
   */
  public List<TableSchema> versions(TableName table) {
    if (!isRead) {
      try {
        readAll();
      } catch (KafkaException e) {
        throw new OperatingFailure(
            OperatingFailure.Kind.BROKER,
            "broker_unreachable",
            "topic " + partition.topic() + " was not read in time",
            "check that the brokers are up and reachable, and that this user may read the topic",
            e);
      }
    }
    return known.values().stream().filter(schema -> schema.table().equals(table)).toList();
  }

  /** From the beginning: the topic may have been made anew, and is small. */
  private void readAll() {
    try (KafkaConsumer<byte[], byte[]> consumer = KafkaConsumers.ofSchemas(task, kafka)) {
      if (KafkaConsumers.partitions(consumer, partition.topic(), ANSWER_MAX).isEmpty()) {
        isRead = true;
        return;
      }
      List<TopicPartition> all = List.of(partition);
      consumer.assign(all);
      consumer.seek(partition, consumer.beginningOffsets(all, ANSWER_MAX).get(partition));
      long end = consumer.endOffsets(all, ANSWER_MAX).get(partition);
      long until = System.nanoTime() + ANSWER_MAX.toNanos();
      while (consumer.position(partition, ANSWER_MAX) < end) {
        if (System.nanoTime() > until) {
          throw silent();
        }
        consumer.poll(POLL_MAX).forEach(this::remember);
      }
      isRead = true;
    }
  }

  private void remember(ConsumerRecord<byte[], byte[]> record) {
    if (record.key() == null || record.value() == null) {
      return;
    }
    String id = new String(record.key(), StandardCharsets.UTF_8);
    try {
      // Taken out first: the last one that was written is the last one here.
      known.remove(id);
      known.put(id, TableSchemaJson.read(record.value()));
    } catch (IOException | RuntimeException e) {
      // Without the cause: a parser's message quotes what it read.
      throw new OperatingFailure(
          OperatingFailure.Kind.BROKER,
          "unreadable_record",
          "the record at offset %d of %s is not a schema (%s)"
              .formatted(record.offset(), partition, e.getClass().getSimpleName()),
          "something else writes into the topic",
          null);
    }
  }

  private OperatingFailure silent() {
    return new OperatingFailure(
        OperatingFailure.Kind.BROKER,
        "broker_unreachable",
        "topic " + task.schemaTopic() + " was not read to its end in time",
        "check that the brokers are up and reachable, and that this user may read the topic",
        null);
  }
}
