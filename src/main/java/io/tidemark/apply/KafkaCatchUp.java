package io.tidemark.apply;

import io.tidemark.change.ChangeSource;
import io.tidemark.change.OperatingFailure;
import io.tidemark.change.RowKey;
import io.tidemark.change.SourcePosition;
import io.tidemark.conflict.ConflictLog;
import io.tidemark.kafka.KafkaStableEnds;
import io.tidemark.postgres.PgSession;
import io.tidemark.sync.TableMapping;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.jspecify.annotations.Nullable;

/**
 * Brings a table that holds the rows of a snapshot up to where the stream stands: it applies, from
 * an offset noted before the snapshot on, the changes of transactions that the snapshot does not
 * see. For one thread, but for {@link #stop}.
 */
public final class KafkaCatchUp implements AutoCloseable {
  /** For what somebody waits in a browser. */
  private static final Duration ANSWER_MAX = Duration.ofSeconds(10);

  /** A broker that answers nothing for this long is taken for gone. */
  private static final Duration SILENCE_MAX = Duration.ofSeconds(60);

  /** How long a transaction may be in the topic before the source's readers see it. */
  private static final Duration UNSEEN_MAX = Duration.ofSeconds(30);

  private static final Duration POLL_MAX = Duration.ofMillis(500);

  private final ApplyTask task;
  private final ApplyPorts ports;
  private final KafkaConsumer<byte[], byte[]> consumer;
  private final KafkaChanges reader;
  private final KafkaTableSchemas schemas;
  private final Map<String, Object> kafka;
  private @Nullable UUID topicId;

  /** For one that only looks where the topic stands, or which keys its changes are about. */
  public KafkaCatchUp(ApplyTask task, Map<String, Object> kafka) {
    this(task, kafka, new ApplyPorts(ParkedRows.refusing(), ConflictLog.none(), keys -> Map.of()));
  }

  /**
   * For one that applies.
   *
   * @param ports asked for rows of which the source did not send every value
   */
  public KafkaCatchUp(ApplyTask task, Map<String, Object> kafka, ApplyPorts ports) {
    this.task = task;
    this.ports = ports;
    this.kafka = Map.copyOf(kafka);
    consumer = KafkaConsumers.alone(task, kafka);
    reader = new KafkaChanges(task.sourceConnection());
    schemas = new KafkaTableSchemas(task, kafka);
  }

  /** Where every partition ends, behind all that is committed, as positions without a change. */
  public Map<Integer, AppliedPosition> ends() {
    return positions(KafkaStableEnds.of(consumer, partitions(), kafka));
  }

  /**
   * Where to begin for a snapshot that is taken after this: every change that it does not see comes
   * later in the topic.
   *
   * <p>INVARIANT: not the topic's end. A server sends a transaction as soon as its commit is in the
   * log, and lets others see it a moment later; with a synchronous standby, once that has it too.
   */
  public Map<Integer, AppliedPosition> starts() {
    Map<TopicPartition, Long> starts = new HashMap<>(consumer.endOffsets(partitions()));
    long from = System.currentTimeMillis() - UNSEEN_MAX.toMillis();
    Map<TopicPartition, Long> times = new HashMap<>();
    starts.keySet().forEach(partition -> times.put(partition, from));
    consumer
        .offsetsForTimes(times)
        .forEach(
            (partition, first) -> {
              if (first != null) {
                starts.merge(partition, first.offset(), Math::min);
              }
            });
    return positions(starts);
  }

  private Map<Integer, AppliedPosition> positions(Map<TopicPartition, Long> offsets) {
    Map<Integer, AppliedPosition> positions = new TreeMap<>();
    offsets.forEach(
        (partition, offset) ->
            positions.put(
                partition.partition(),
                new AppliedPosition(
                    task.topic(),
                    partition.partition(),
                    offset,
                    SourcePosition.START,
                    0,
                    topicId())));
    return positions;
  }

  /** The topic's identity when it was first asked: what is read later is read from that topic. */
  public UUID topicId() {
    UUID known = topicId;
    if (known == null) {
      known = KafkaTopicIdentity.of(task, kafka);
      topicId = known;
    }
    return known;
  }

  /**
   * How many partitions the topic has; 0 if it is not there.
   *
   * @throws OperatingFailure {@code broker_unreachable} if the brokers do not answer in time
   */
  public int partitionCount() {
    try {
      return KafkaConsumers.partitions(consumer, task.topic(), ANSWER_MAX).size();
    } catch (KafkaException e) {
      throw new OperatingFailure(
          OperatingFailure.Kind.BROKER,
          "broker_unreachable",
          "topic " + task.topic() + " was not answered for in time",
          "check that the brokers are up and reachable, and that this user may read the topic",
          e);
    }
  }

  private List<TopicPartition> partitions() {
    List<TopicPartition> partitions =
        consumer.partitionsFor(task.topic()).stream()
            .map(info -> new TopicPartition(task.topic(), info.partition()))
            .toList();
    if (partitions.isEmpty()) {
      throw new OperatingFailure(
          OperatingFailure.Kind.BROKER,
          "topic_missing",
          "topic " + task.topic() + " does not exist",
          "if it was deleted, what it held is lost: POST /captures/"
              + task.sourceConnection()
              + "/reset makes it anew and copies the tables in full",
          null);
    }
    return partitions;
  }

  /** What one stretch came to: where it ended, and how many changes it applied. */
  public record Stretch(Map<Integer, AppliedPosition> reached, long changes) {
    public Stretch {
      reached = Map.copyOf(reached);
    }
  }

  /** Whether each batch is a transaction, or all of them are part of the caller's. */
  public enum Commit {
    PER_BATCH,
    BY_CALLER
  }

  /**
   * Applies the changes between two sets of positions to the mapping's target table.
   *
   * @param until offsets by partition; those before {@code from} are already reached
   * @param seen tells of a change's origin whether the table has it already
   */
  public Stretch apply(
      PgSession session,
      TableMapping mapping,
      Map<Integer, AppliedPosition> from,
      Map<Integer, AppliedPosition> until,
      Predicate<ChangeSource> seen,
      Commit commit) {
    if (commit == Commit.PER_BATCH) {
      session.begin(PgSession.Begin.READ_COMMITTED);
    }
    // On failure the caller gives the session up, so only success puts it back as it was.
    JdbcBatchWriter writer = new JdbcBatchWriter(session, mapping, task.deletes(), ports);
    SchemaFit fit = new SchemaFit(mapping, schemas);
    Run run =
        new Run(
            seen,
            from,
            changes -> {
              changes.forEach(fit::require);
              writer.write(changes);
              if (commit == Commit.PER_BATCH) {
                session.commit();
                session.begin(PgSession.Begin.READ_COMMITTED);
              }
            });
    run.readUntil(until);
    writer.close();
    if (commit == Commit.PER_BATCH) {
      session.commit();
    }
    return new Stretch(run.standing, run.changes);
  }

  /** Takes the keys that changes are about, each batch at once. */
  public interface Keys {
    void changed(List<RowKey> keys);

    /** Every row was removed. */
    void truncated();
  }

  /**
   * Hands over the keys of the changes between two sets of positions, a key change's old and new
   * one; some may come again.
   *
   * @param until offsets by partition; those before {@code from} are already reached
   * @param seen tells of a change's origin whether it is left out
   */
  public Stretch keys(
      TableMapping mapping,
      Map<Integer, AppliedPosition> from,
      Map<Integer, AppliedPosition> until,
      Predicate<ChangeSource> seen,
      Keys keys) {
    Projection projection = new Projection(mapping);
    Run run =
        new Run(
            seen,
            from,
            changes -> {
              Set<RowKey> touched = new HashSet<>();
              for (TopicChange change : changes) {
                if (!projection.addKeys(change.change(), touched)) {
                  keys.truncated();
                }
              }
              if (!touched.isEmpty()) {
                keys.changed(List.copyOf(touched));
              }
            });
    run.readUntil(until);
    return new Stretch(run.standing, run.changes);
  }

  /** Makes a running {@link #apply} or {@link #keys} fail at once; from any thread. */
  public void stop() {
    consumer.wakeup();
  }

  @Override
  public void close() {
    consumer.close();
  }

  private final class Run {
    private final Predicate<ChangeSource> seen;
    private final Consumer<List<TopicChange>> sink;
    private final Map<Integer, AppliedPosition> standing;
    private final List<TopicChange> pending = new ArrayList<>();
    private long pendingBytes;
    private long changes;

    Run(
        Predicate<ChangeSource> seen,
        Map<Integer, AppliedPosition> from,
        Consumer<List<TopicChange>> sink) {
      this.seen = seen;
      this.sink = sink;
      standing = new HashMap<>(from);
    }

    void readUntil(Map<Integer, AppliedPosition> until) {
      Map<TopicPartition, Long> ends = new HashMap<>();
      until.forEach(
          (partition, end) -> {
            AppliedPosition start = standing.get(partition);
            if (start == null) {
              throw new IllegalStateException("partition " + partition + " has no start");
            }
            if (start.nextOffset() < end.nextOffset()) {
              ends.put(new TopicPartition(task.topic(), partition), end.nextOffset());
            }
          });
      consumer.assign(ends.keySet());
      // An earlier stretch paused what it had read to its end, and assigning it again keeps that.
      consumer.resume(ends.keySet());
      ends.keySet()
          .forEach(
              partition ->
                  consumer.seek(partition, standing.get(partition.partition()).nextOffset()));
      long silentSince = System.nanoTime();
      while (!ends.isEmpty()) {
        ConsumerRecords<byte[], byte[]> records = consumer.poll(POLL_MAX);
        for (TopicPartition partition : records.partitions()) {
          take(records.records(partition), ends.getOrDefault(partition, 0L));
        }
        boolean moved = !records.isEmpty();
        moved |= dropReached(ends);
        if (moved) {
          silentSince = System.nanoTime();
        } else if (System.nanoTime() - silentSince > SILENCE_MAX.toNanos()) {
          throw silent();
        }
      }
      flush();
    }

    /** Records behind the end belong to the loop that goes on from there. */
    private void take(List<ConsumerRecord<byte[], byte[]>> records, long end) {
      for (ConsumerRecord<byte[], byte[]> record : records) {
        if (record.offset() >= end) {
          return;
        }
        TopicChange change = reader.read(record);
        standing.computeIfPresent(record.partition(), (partition, at) -> at.after(change));
        if (seen.test(change.change().source())) {
          continue;
        }
        pending.add(change);
        pendingBytes += KafkaChanges.size(record);
        if (pending.size() >= task.batchSize()
            || pendingBytes >= ApplySettings.DEFAULT.batchBytesMax()) {
          flush();
        }
      }
    }

    private boolean dropReached(Map<TopicPartition, Long> ends) {
      boolean any =
          ends.entrySet()
              .removeIf(
                  end -> {
                    // Markers of transactions are skipped by the consumer, so ask it.
                    long position = consumer.position(end.getKey());
                    boolean reached = position >= end.getValue();
                    if (reached) {
                      standing.computeIfPresent(
                          end.getKey().partition(), (partition, at) -> at.at(end.getValue()));
                    }
                    return reached;
                  });
      if (any) {
        consumer.pause(
            consumer.assignment().stream().filter(one -> !ends.containsKey(one)).toList());
      }
      return any;
    }

    private void flush() {
      sink.accept(pending);
      changes += pending.size();
      pending.clear();
      pendingBytes = 0;
    }

    private OperatingFailure silent() {
      return new OperatingFailure(
          OperatingFailure.Kind.BROKER,
          "broker_silent",
          "no broker answered for "
              + SILENCE_MAX.toSeconds()
              + " s while "
              + task.topic()
              + " was read",
          "check that the brokers are up and reachable",
          null);
    }
  }
}
