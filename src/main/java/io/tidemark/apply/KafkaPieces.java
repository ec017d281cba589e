package io.tidemark.apply;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.common.TopicPartition;

/**
 * A batch that is read in pieces, a poll each, as long as there is more at once.
 *
 * <p>A poll unpacks all it hands over, and is bounded by their number and by what they took packed.
 * Rows that are alike take a hundredth of their size packed, so that one poll for a whole batch
 * could be more than memory holds. Between small ones the size is looked at.
 */
final class KafkaPieces {
  /** Records of a poll at most. Each poll costs some microseconds. */
  private static final int RECORDS_MAX = 25;

  private final int batchRecordsMax;
  private final long batchBytesMax;
  private final Map<TopicPartition, List<ConsumerRecord<byte[], byte[]>>> records =
      new LinkedHashMap<>();
  private int count;
  private long bytes;
  private int last;

  KafkaPieces(int batchRecordsMax, long batchBytesMax) {
    this.batchRecordsMax = batchRecordsMax;
    this.batchBytesMax = batchBytesMax;
  }

  /** What a consumer's polls are to be bound to. */
  static int recordsMax(int batchRecordsMax) {
    return Math.min(RECORDS_MAX, batchRecordsMax);
  }

  void add(ConsumerRecords<byte[], byte[]> piece) {
    last = piece.count();
    count += last;
    for (TopicPartition partition : piece.partitions()) {
      List<ConsumerRecord<byte[], byte[]>> more = piece.records(partition);
      records.computeIfAbsent(partition, none -> new ArrayList<>()).addAll(more);
      for (ConsumerRecord<byte[], byte[]> record : more) {
        bytes += KafkaChanges.size(record);
      }
    }
  }

  /** Forgets what has come of a partition. */
  void drop(TopicPartition partition) {
    records.remove(partition);
  }

  /** Whether more lies ready, as far as the last piece tells, and there is room for it. */
  boolean wantMore() {
    int most = recordsMax(batchRecordsMax);
    return last == most && count + most <= batchRecordsMax && bytes < batchBytesMax;
  }

  Map<TopicPartition, List<ConsumerRecord<byte[], byte[]>>> records() {
    return records;
  }
}
