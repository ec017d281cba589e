package io.tidemark.apply;

import io.tidemark.change.OperatingFailure;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.OffsetOutOfRangeException;
import org.apache.kafka.common.TopicPartition;
import org.jspecify.annotations.Nullable;

/**
 * One stretch of an apply loop between failures: a consumer, a session on the target, and where
 * both stand. Used by the loop's thread alone, but for {@link #wakeup()}.
 */
final class KafkaApplySession implements ApplySession {
  /** The target holds no position: only a full copy can bring it into step. */
  static final String NO_POSITION = "no_position";

  /** How often the group is told how far it is; only a hint for people who watch the group. */
  private static final Duration HINT_EVERY = Duration.ofSeconds(5);

  /** How long a broker is given to say that it is alive. */
  private static final Duration BROKER_ANSWER_MAX = Duration.ofSeconds(5);

  private final ApplyTask task;
  private final Map<String, Object> kafka;
  private final ApplySettings settings;
  private final ApplyProgress progress;
  private final InstantSource clock;
  private final JdbcTarget target;
  private final KafkaConsumer<byte[], byte[]> consumer;
  private final KafkaChanges reader;
  private final KafkaTableSchemas schemas;
  private final Map<TopicPartition, AppliedPosition> standing = new HashMap<>();
  private @Nullable String schemaInUse;
  private Instant lastCheck;
  private Instant lastHint;

  private KafkaApplySession(
      ApplyTask task,
      Map<String, Object> kafka,
      ApplySettings settings,
      ApplyProgress progress,
      InstantSource clock,
      JdbcTarget target,
      KafkaConsumer<byte[], byte[]> consumer) {
    this.task = task;
    this.kafka = kafka;
    this.settings = settings;
    this.progress = progress;
    this.clock = clock;
    this.target = target;
    this.consumer = consumer;
    reader = new KafkaChanges(task.sourceConnection());
    schemas = new KafkaTableSchemas(task, kafka);
    lastCheck = clock.instant();
    lastHint = clock.instant();
  }

  static KafkaApplySession open(
      ApplyTask task,
      ApplyPlan plan,
      Map<String, Object> kafka,
      ApplySettings settings,
      ApplyPorts ports,
      ApplyProgress progress,
      InstantSource clock) {
    JdbcTarget target = JdbcTarget.open(task, plan, ports);
    try {
      KafkaConsumer<byte[], byte[]> consumer = KafkaConsumers.inGroup(task, kafka);
      KafkaApplySession session =
          new KafkaApplySession(task, kafka, settings, progress, clock, target, consumer);
      consumer.subscribe(List.of(task.topic()), session.new Rebalance());
      return session;
    } catch (RuntimeException e) {
      try {
        target.close();
      } catch (OperatingFailure later) {
        e.addSuppressed(later);
      }
      throw e;
    }
  }

  @Override
  public boolean isAssigned() {
    return !standing.isEmpty();
  }

  /** Waits for records a while, and applies those that came. */
  @Override
  public void step() {
    ConsumerRecords<byte[], byte[]> records = poll();
    for (TopicPartition partition : records.partitions()) {
      applyAll(partition, records.records(partition));
    }
    Instant now = clock.instant();
    if (!records.isEmpty()) {
      lastCheck = now;
      hint(now);
    } else {
      keepPositionsOfQuietPartitions();
    }
    if (Duration.between(lastCheck, now).compareTo(settings.idleCheck()) >= 0) {
      lastCheck = now;
      checkWhileIdle();
      hint(now);
    }
    standing.keySet().forEach(this::report);
  }

  private ConsumerRecords<byte[], byte[]> poll() {
    try {
      return consumer.poll(settings.pollMax());
    } catch (OffsetOutOfRangeException e) {
      throw new OperatingFailure(
          OperatingFailure.Kind.BROKER,
          "topic_expired",
          "topic " + task.topic() + " no longer holds the changes that the target needs next",
          "run a full sync of this configuration (execute with mode full), and keep the topic's"
              + " retention longer than the longest outage",
          e);
    }
  }

  /** Applies a partition's records in batches of at most the configured size and bytes. */
  private void applyAll(TopicPartition partition, List<ConsumerRecord<byte[], byte[]>> records) {
    int from = 0;
    while (from < records.size()) {
      int to = from;
      long bytes = 0;
      while (to < records.size()
          && to - from < task.batchSize()
          && (to == from
              || bytes + KafkaChanges.size(records.get(to)) <= settings.batchBytesMax())) {
        bytes += KafkaChanges.size(records.get(to++));
      }
      if (!take(partition, records.subList(from, to), bytes)) {
        return;
      }
      from = to;
    }
  }

  /** Applies one batch; answers false if the rest of the poll is void. */
  private boolean take(
      TopicPartition partition, List<ConsumerRecord<byte[], byte[]>> records, long bytes) {
    if (!standing.containsKey(partition)) {
      // Given up in a rebalance of this very poll.
      return false;
    }
    List<TopicChange> changes = new ArrayList<>(records.size());
    for (ConsumerRecord<byte[], byte[]> record : records) {
      changes.add(reader.read(record));
    }
    int first = 0;
    while (first < changes.size()) {
      int end = endOfSchema(changes, first);
      useSchema(changes.get(first));
      long part = bytes * (end - first) / changes.size();
      if (!apply(partition, changes.subList(first, end), part)) {
        seekToStanding(List.of(partition));
        return false;
      }
      first = end;
    }
    return true;
  }

  /** Changes made under one version of the table's schema are written together. */
  private static int endOfSchema(List<TopicChange> changes, int first) {
    String schema = changes.get(first).change().source().schemaId();
    int end = first + 1;
    while (end < changes.size()
        && Objects.equals(changes.get(end).change().source().schemaId(), schema)) {
      end++;
    }
    return end;
  }

  /** A change that names none, of an earlier version, is taken as the tables are. */
  private void useSchema(TopicChange change) {
    String id = change.change().source().schemaId();
    if (id != null && !id.equals(schemaInUse)) {
      target.use(schemas.require(id), change.change().position());
      schemaInUse = id;
    }
  }

  private boolean apply(TopicPartition partition, List<TopicChange> changes, long bytes) {
    AppliedPosition from = Objects.requireNonNull(standing.get(partition));
    AppliedPosition to = from.after(changes.get(changes.size() - 1));
    long started = System.nanoTime();
    if (target.apply(changes, from, to) instanceof Applied.Committed committed) {
      standing.put(partition, to);
      progress.count(
          committed.counts(), changes.size(), bytes, System.nanoTime() - started, clock.instant());
      return true;
    }
    return false;
  }

  /**
   * Makes sure that target and broker are still there: a consumer alone does not tell when no
   * broker answers. Nor does one that waits for its part of the topic.
   */
  private void checkWhileIdle() {
    target.checkAlive();
    consumer.endOffsets(
        standing.isEmpty()
            ? KafkaConsumers.partitions(consumer, task.topic(), BROKER_ANSWER_MAX)
            : standing.keySet(),
        BROKER_ANSWER_MAX);
  }

  /**
   * Takes note of records that hold no change (markers of transactions), so that whoever waits for
   * the target to reach an offset sees that it has. Once per quiet poll and only if there were any.
   */
  private void keepPositionsOfQuietPartitions() {
    for (TopicPartition partition : Set.copyOf(standing.keySet())) {
      AppliedPosition from = standing.get(partition);
      long consumed = consumer.position(partition);
      if (from != null && consumed > from.nextOffset()) {
        if (target.advance(from, from.at(consumed))) {
          standing.put(partition, from.at(consumed));
        } else {
          seekToStanding(List.of(partition));
        }
      }
    }
  }

  private void report(TopicPartition partition) {
    AppliedPosition position = standing.get(partition);
    if (position != null) {
      long consumed = consumer.position(partition);
      long end = consumed + consumer.currentLag(partition).orElse(0);
      progress.at(new ApplyProgress.Partition(position, consumed, end));
    }
  }

  private void hint(Instant now) {
    if (Duration.between(lastHint, now).compareTo(HINT_EVERY) < 0) {
      return;
    }
    lastHint = now;
    Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
    standing.forEach(
        (partition, position) ->
            offsets.put(partition, new OffsetAndMetadata(position.nextOffset())));
    consumer.commitAsync(offsets, null);
  }

  /**
   * Reads where the target stands, and goes on from there.
   *
   * <p>INVARIANT: only in the topic that the position is in: in another one of its name the same
   * offset is another change.
   */
  private void seekToStanding(Collection<TopicPartition> partitions) {
    if (partitions.isEmpty()) {
      return;
    }
    // Whoever moved the position may have copied the tables as they are now.
    schemaInUse = null;
    UUID topicId = KafkaTopicIdentity.of(task, kafka);
    for (TopicPartition partition : partitions) {
      AppliedPosition position =
          target.find(partition.partition()).orElseThrow(() -> neverInStep(partition));
      if (!position.isIn(topicId)) {
        throw KafkaTopicIdentity.replaced(task);
      }
      if (position.topicId() == null) {
        target.noteTopic(topicId);
      }
      standing.put(partition, position);
      consumer.seek(partition, position.nextOffset());
    }
  }

  private OperatingFailure neverInStep(TopicPartition partition) {
    return new OperatingFailure(
        OperatingFailure.Kind.TARGET,
        NO_POSITION,
        "target connection '" + task.target().connection() + "' holds no position for " + partition,
        "run a full sync of this configuration (execute with mode full)",
        null);
  }

  @Override
  public void wakeup() {
    consumer.wakeup();
  }

  @Override
  public void close() {
    try {
      consumer.close();
    } finally {
      standing.values().forEach(progress::forget);
      target.close();
    }
  }

  /** The group gives and takes partitions; the target's position, not the group's, says where. */
  private final class Rebalance implements ConsumerRebalanceListener {
    @Override
    public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
      seekToStanding(partitions);
    }

    @Override
    public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
      for (TopicPartition partition : partitions) {
        AppliedPosition given = standing.remove(partition);
        if (given != null) {
          progress.forget(given);
        }
      }
    }
  }
}
