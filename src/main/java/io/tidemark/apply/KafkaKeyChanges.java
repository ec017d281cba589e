package io.tidemark.apply;

import io.tidemark.change.Change;
import io.tidemark.change.ChangeJson;
import io.tidemark.change.OperatingFailure;
import io.tidemark.change.Row;
import io.tidemark.change.RowKey;
import io.tidemark.change.TopicRecord;
import io.tidemark.postgres.ColumnShape;
import io.tidemark.sync.TableMapping;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetOutOfRangeException;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.jspecify.annotations.Nullable;

/**
 * Looks in a change topic for the changes of one row, newest first. A topic has no index over its
 * keys, so it is read backwards, a stretch at a time, for as long as somebody waits; the answer
 * says from where the next search goes on. For one thread.
 */
public final class KafkaKeyChanges implements AutoCloseable {
  /** A fraction of a second's reading, after which it is looked whether the time is up. */
  private static final long STRETCH = 20_000;

  private static final Duration ANSWER_MAX = Duration.ofSeconds(10);
  private static final Duration POLL_MAX = Duration.ofMillis(200);

  private final ApplyTask task;
  private final List<String> keyColumns;
  private final Set<RowKey> keys;
  private final KafkaConsumer<byte[], byte[]> consumer;
  private final ChangeJson.Reader reader;
  private final KafkaChanges changes;

  /**
   * @param mapping from the table whose changes the topic has
   * @param keys the row's key in every text that it may have, in the order of the mapping's key
   */
  public KafkaKeyChanges(
      ApplyTask task, Map<String, Object> kafka, TableMapping mapping, Set<RowKey> keys) {
    this.task = task;
    this.keys = Set.copyOf(keys);
    keyColumns = mapping.key().stream().map(pair -> pair.source().name()).toList();
    reader =
        new ChangeJson.Reader(
            task.sourceConnection(),
            mapping.source().columns().stream()
                .collect(Collectors.toMap(ColumnShape::name, ColumnShape::kind)));
    changes = new KafkaChanges(reader);
    consumer = KafkaConsumers.alone(task, kafka);
  }

  /**
   * What a search found.
   *
   * @param records the newest first
   * @param left by partition, the offset before which nothing was searched yet; empty if all was
   */
  public record Found(List<TopicRecord> records, Map<Integer, Long> left) {
    public Found {
      records = List.copyOf(records);
      left = Map.copyOf(left);
    }
  }

  /**
   * Searches until it has found enough, the time is up or the topic is through.
   *
   * @param before what a former search has left; null to begin at the end. A topic that does not
   *     exist holds nothing.
   */
  public Found search(@Nullable Map<Integer, Long> before, int limit, Duration max) {
    long deadline = System.nanoTime() + max.toNanos();
    try {
      List<TopicPartition> partitions =
          KafkaConsumers.partitions(consumer, task.topic(), ANSWER_MAX);
      Map<Integer, Long> begins = byPartition(consumer.beginningOffsets(partitions, ANSWER_MAX));
      Map<Integer, Long> left = byPartition(consumer.endOffsets(partitions, ANSWER_MAX));
      if (before != null) {
        left.keySet().retainAll(before.keySet());
        left.replaceAll((partition, end) -> Math.min(end, before.get(partition)));
      }
      left.entrySet().removeIf(one -> one.getValue() <= begins.get(one.getKey()));
      List<TopicRecord> found = new ArrayList<>();
      while (!left.isEmpty() && found.size() < limit && System.nanoTime() < deadline) {
        for (int partition : List.copyOf(left.keySet())) {
          if (found.size() < limit) {
            long from = Math.max(begins.get(partition), left.get(partition) - STRETCH);
            List<TopicRecord> some = stretch(partition, from, left.get(partition));
            List<TopicRecord> taken =
                some.subList(Math.max(0, some.size() - (limit - found.size())), some.size());
            found.addAll(taken);
            left.put(partition, taken.size() < some.size() ? taken.get(0).offset() : from);
            left.remove(partition, begins.get(partition));
          }
        }
      }
      found.sort(Comparator.comparing((TopicRecord one) -> one.change().position()).reversed());
      return new Found(found, left);
    } catch (KafkaException e) {
      throw new OperatingFailure(
          OperatingFailure.Kind.BROKER,
          "broker_unreachable",
          "topic " + task.topic() + " could not be searched: " + e.getMessage(),
          "check that the brokers are up and reachable, and that this user may read the topic",
          e);
    }
  }

  /** The row's changes between two offsets, the oldest first. */
  private List<TopicRecord> stretch(int partition, long from, long to) {
    TopicPartition place = new TopicPartition(task.topic(), partition);
    consumer.assign(List.of(place));
    consumer.seek(place, from);
    List<TopicRecord> found = new ArrayList<>();
    long silentSince = System.nanoTime();
    try {
      while (consumer.position(place) < to) {
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(POLL_MAX)) {
          silentSince = System.nanoTime();
          if (record.offset() < to) {
            Change change = changeOfRow(record);
            if (change != null) {
              found.add(new TopicRecord(task.topic(), partition, record.offset(), change));
            }
          }
        }
        if (System.nanoTime() - silentSince > ANSWER_MAX.toNanos()) {
          throw new KafkaException("the brokers send nothing");
        }
      }
    } catch (OffsetOutOfRangeException e) {
      // What was there has expired since the search began: there is nothing to find.
      return List.of();
    }
    return found;
  }

  private @Nullable Change changeOfRow(ConsumerRecord<byte[], byte[]> record) {
    if (record.key() != null) {
      RowKey key = keyIn(keyOf(record));
      if (key != null) {
        return keys.contains(key) ? changes.read(record).change() : null;
      }
    }
    // The topic's key is not the configuration's, or there is none: a TRUNCATE is about every row.
    Change change = changes.read(record).change();
    boolean isOfRow =
        change instanceof Change.Truncate
            || isOfRow(change.imageBefore())
            || isOfRow(change.imageAfter());
    return isOfRow ? change : null;
  }

  private Row keyOf(ConsumerRecord<byte[], byte[]> record) {
    try {
      return reader.key(record.key());
    } catch (IOException | RuntimeException e) {
      // Without the cause: a parser's message quotes what it read.
      throw new OperatingFailure(
          OperatingFailure.Kind.BROKER,
          "unreadable_record",
          "the key of the record at offset %d of %s-%d is none (%s)"
              .formatted(
                  record.offset(), record.topic(), record.partition(), e.getClass().getName()),
          null,
          null);
    }
  }

  private boolean isOfRow(@Nullable Row row) {
    RowKey key = row == null ? null : keyIn(row);
    return key != null && keys.contains(key);
  }

  /** The configuration's key in a row; null if the row lacks a column of it. */
  private @Nullable RowKey keyIn(Row row) {
    @Nullable String[] values = new @Nullable String[keyColumns.size()];
    for (int i = 0; i < values.length; i++) {
      int column = row.shape().indexOf(keyColumns.get(i));
      if (column < 0 || row.isAbsent(column)) {
        return null;
      }
      values[i] = row.value(column);
    }
    return RowKey.of(values);
  }

  private static Map<Integer, Long> byPartition(Map<TopicPartition, Long> offsets) {
    Map<Integer, Long> byPartition = new TreeMap<>();
    offsets.forEach((partition, offset) -> byPartition.put(partition.partition(), offset));
    return byPartition;
  }

  @Override
  public void close() {
    consumer.close();
  }
}
