package io.tidemark.apply;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;

/**
 * How far a loop has come and how much it has done: written by the loop's threads, read by anyone.
 */
public final class ApplyProgress {
  /**
   * How far one partition has come.
   *
   * @param position as committed in the target
   * @param consumedOffset everything before this offset is applied; past the position's by records
   *     that hold no change
   * @param endOffset the partition's end for committed readers when it was last asked
   */
  public record Partition(AppliedPosition position, long consumedOffset, long endOffset) {
    /** Records still to apply, markers of transactions included. */
    public long lagEvents() {
      return Math.max(0, endOffset - consumedOffset);
    }
  }

  private final Map<String, Partition> partitions = new ConcurrentHashMap<>();
  private final AtomicReference<RowCounts> rows = new AtomicReference<>(RowCounts.NONE);
  private final LongAdder read = new LongAdder();
  private final LongAdder batches = new LongAdder();
  private final LongAdder bytes = new LongAdder();
  private final LongAdder batchNanos = new LongAdder();
  private volatile long lastBatchMillis;

  void at(Partition partition) {
    partitions.put(name(partition.position()), partition);
  }

  void forget(AppliedPosition position) {
    partitions.remove(name(position));
  }

  private static String name(AppliedPosition position) {
    return position.topic() + "-" + position.partition();
  }

  void count(RowCounts counts, int changes, long byteCount, long nanos, Instant now) {
    rows.accumulateAndGet(counts, RowCounts::plus);
    read.add(changes);
    bytes.add(byteCount);
    batches.increment();
    batchNanos.add(nanos);
    lastBatchMillis = now.toEpochMilli();
  }

  /** The partitions that this loop holds now. */
  public List<Partition> partitions() {
    return new TreeMap<>(partitions).values().stream().toList();
  }

  public RowCounts rows() {
    return rows.get();
  }

  /** Changes taken from the topic and committed. */
  public long changesRead() {
    return read.sum();
  }

  public long batches() {
    return batches.sum();
  }

  /** Bytes of the records applied, as they came from the broker. */
  public long bytes() {
    return bytes.sum();
  }

  /** Seconds spent in batches, from the first statement to the commit. */
  public double batchSeconds() {
    return batchNanos.sum() / 1e9;
  }

  /** Records still to apply over all partitions that this loop holds. */
  public long lagEvents() {
    return partitions.values().stream().mapToLong(Partition::lagEvents).sum();
  }

  /** How long ago the oldest last-applied change was committed, 0 when nothing is left to apply. */
  public double lagSeconds(Instant now) {
    return partitions.values().stream()
        .filter(partition -> partition.lagEvents() > 0)
        .mapToDouble(partition -> secondsBehind(partition, now))
        .max()
        .orElse(0);
  }

  private double secondsBehind(Partition partition, Instant now) {
    long committed = partition.position().committedMicros();
    if (committed == 0) {
      return 0;
    }
    return Math.max(0, now.toEpochMilli() - committed / 1000) / 1e3;
  }

  /** When the last batch was committed, the epoch if none was. */
  public Instant lastBatch() {
    return Instant.ofEpochMilli(lastBatchMillis);
  }
}
