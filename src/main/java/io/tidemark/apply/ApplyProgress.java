package io.tidemark.apply;

import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
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

  /** When a partition was first seen, and last with nothing left to apply. */
  private final Map<String, Instant> seen = new ConcurrentHashMap<>();

  private final Map<String, Instant> inStep = new ConcurrentHashMap<>();

  private final AtomicReference<RowCounts> rows = new AtomicReference<>(RowCounts.NONE);
  private final LongAdder read = new LongAdder();
  private final LongAdder batches = new LongAdder();
  private final LongAdder bytes = new LongAdder();
  private final LongAdder batchNanos = new LongAdder();
  private volatile long lastBatchMillis;

  void at(Partition partition, Instant now) {
    String name = name(partition.position());
    seen.putIfAbsent(name, now);
    if (partition.lagEvents() == 0) {
      inStep.put(name, now);
    }
    partitions.put(name, partition);
  }

  /** It is not held any more; when it was last in step is still true if it comes back. */
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

  /**
   * How long ago the partition was last known to be in step, 0 when nothing is left to apply: by
   * its newest applied change, or because there was nothing left. Where neither is known, after a
   * copy, as long as it has been seen to be behind.
   */
  public double lagSeconds(Partition partition, Instant now) {
    if (partition.lagEvents() == 0) {
      return 0;
    }
    String name = name(partition.position());
    Instant known = inStep.getOrDefault(name, Instant.EPOCH);
    Instant applied = Instant.EPOCH.plus(partition.position().committedMicros(), ChronoUnit.MICROS);
    Instant last = known.isAfter(applied) ? known : applied;
    Instant since = last.equals(Instant.EPOCH) ? seen.getOrDefault(name, now) : last;
    return Math.max(0, Duration.between(since, now).toMillis()) / 1e3;
  }

  /** When the last batch was committed, the epoch if none was. */
  public Instant lastBatch() {
    return Instant.ofEpochMilli(lastBatchMillis);
  }
}
