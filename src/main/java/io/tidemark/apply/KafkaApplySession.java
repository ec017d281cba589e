package io.tidemark.apply;

import static java.util.stream.Collectors.toSet;

import io.tidemark.change.OperatingFailure;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.OffsetOutOfRangeException;
import org.apache.kafka.common.TopicPartition;

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
  private final TargetWriter writer;
  private final KafkaConsumer<byte[], byte[]> consumer;
  private final KafkaChanges reader;
  private final Set<TopicPartition> assigned = new HashSet<>();

  /** Partitions that were set back or on since the last poll: what it brought of them is void. */
  private final Set<Integer> voided = new HashSet<>();

  private Instant lastCheck;
  private boolean hasChecked;
  private Instant lastHint;

  private KafkaApplySession(
      ApplyTask task,
      Map<String, Object> kafka,
      ApplySettings settings,
      ApplyProgress progress,
      InstantSource clock,
      TargetWriter writer,
      KafkaConsumer<byte[], byte[]> consumer) {
    this.task = task;
    this.kafka = kafka;
    this.settings = settings;
    this.progress = progress;
    this.clock = clock;
    this.writer = writer;
    this.consumer = consumer;
    reader = new KafkaChanges(task.sourceConnection());
    lastCheck = clock.instant();
    lastHint = clock.instant();
  }

  /**
   * @param number of the session in this process's loop
   */
  static KafkaApplySession open(
      ApplyTask task,
      int number,
      ApplyPlan plan,
      Map<String, Object> kafka,
      ApplySettings settings,
      ApplyPorts ports,
      ApplyProgress progress,
      InstantSource clock) {
    TargetWriter writer =
        new TargetWriter(
            task,
            JdbcTarget.open(task, plan, ports),
            new KafkaTableSchemas(task, kafka),
            progress,
            clock);
    try {
      KafkaConsumer<byte[], byte[]> consumer = KafkaConsumers.inGroup(task, number, kafka);
      KafkaApplySession session =
          new KafkaApplySession(task, kafka, settings, progress, clock, writer, consumer);
      consumer.subscribe(List.of(task.topic()), session.new Rebalance());
      return session;
    } catch (RuntimeException e) {
      try {
        writer.close();
      } catch (OperatingFailure later) {
        e.addSuppressed(later);
      }
      throw e;
    }
  }

  @Override
  public boolean isFlowing() {
    return !assigned.isEmpty() && assigned.stream().allMatch(this::isFlowing);
  }

  /** A partition read to its end flows only once all of it is written. */
  private boolean isFlowing(TopicPartition partition) {
    return writer.hasWritten(partition.partition())
        || !writer.isWriting() && consumer.currentLag(partition).orElse(1) == 0;
  }

  @Override
  public boolean isStandingBy() {
    return assigned.isEmpty() && hasChecked;
  }

  /**
   * Waits for records a while, and applies those that came. While a batch is on its way it only
   * looks whether more have come.
   */
  @Override
  public void step() {
    Map<TopicPartition, List<ConsumerRecord<byte[], byte[]>>> records = poll();
    records.forEach(this::applyAll);
    if (records.isEmpty()) {
      rest();
    } else {
      lastCheck = clock.instant();
    }
    if (!writer.isWriting()) {
      assigned.forEach(partition -> report(partition, consumer.position(partition)));
    }
  }

  private Map<TopicPartition, List<ConsumerRecord<byte[], byte[]>>> poll() {
    KafkaPieces pieces = new KafkaPieces(task.batchSize(), settings.batchBytesMax());
    Duration wait = writer.isWriting() ? Duration.ZERO : settings.pollMax();
    try {
      do {
        ConsumerRecords<byte[], byte[]> piece = consumer.poll(wait);
        // What a rebalance moved in this poll was moved before it fetched.
        voided.forEach(number -> pieces.drop(new TopicPartition(task.topic(), number)));
        voided.clear();
        pieces.add(piece);
        wait = Duration.ZERO;
      } while (pieces.wantMore());
      return pieces.records();
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

  /**
   * Applies one batch; answers false if the rest that the poll brought of its partition is void.
   */
  private boolean take(
      TopicPartition partition, List<ConsumerRecord<byte[], byte[]>> records, long bytes) {
    List<TopicChange> changes = new ArrayList<>(records.size());
    for (ConsumerRecord<byte[], byte[]> record : records) {
      changes.add(reader.read(record));
    }
    TargetWriter.Work batch = writer.prepare(changes, bytes);
    // Those before, which were on their way while this one was read, may be other partitions' of
    // which this poll brought records too.
    seekToStanding(writer.makeRoomFor(batch));
    AppliedPosition position = writer.standing(partition.partition());
    // Null if given up in a rebalance of this very poll.
    if (position == null || voided.contains(partition.partition())) {
      return false;
    }
    report(partition, position.nextOffset());
    hint(clock.instant());
    seekToStanding(writer.write(partition.partition(), batch));
    return !voided.contains(partition.partition());
  }

  /** Nothing more has come: waits for what is on its way, or sees to what else is to be done. */
  private void rest() {
    if (writer.isWriting()) {
      seekToStanding(writer.settle());
    } else {
      keepPositionsOfQuietPartitions();
      Instant now = clock.instant();
      if (Duration.between(lastCheck, now).compareTo(settings.idleCheck()) >= 0) {
        lastCheck = now;
        checkWhileIdle();
        hint(now);
      }
    }
  }

  /**
   * Makes sure that target and broker are still there: a consumer alone does not tell when no
   * broker answers. Nor does one that waits for its part of the topic.
   */
  private void checkWhileIdle() {
    writer.checkAlive();
    consumer.endOffsets(
        assigned.isEmpty()
            ? KafkaConsumers.partitions(consumer, task.topic(), BROKER_ANSWER_MAX)
            : assigned,
        BROKER_ANSWER_MAX);
    hasChecked = true;
  }

  /**
   * Takes note of records that hold no change (markers of transactions), so that whoever waits for
   * the target to reach an offset sees that it has. Once per quiet poll and only if there were any.
   */
  private void keepPositionsOfQuietPartitions() {
    for (TopicPartition partition : assigned) {
      AppliedPosition from = writer.standing(partition.partition());
      long consumed = consumer.position(partition);
      if (from != null && consumed > from.nextOffset() && !writer.advance(from, consumed)) {
        seekToStanding(Set.of(partition.partition()));
      }
    }
  }

  /**
   * @param applied everything before this offset is
   */
  private void report(TopicPartition partition, long applied) {
    AppliedPosition position = writer.standing(partition.partition());
    if (position != null) {
      long end = consumer.position(partition) + consumer.currentLag(partition).orElse(0);
      progress.at(new ApplyProgress.Partition(position, applied, end), clock.instant());
    }
  }

  private void hint(Instant now) {
    if (Duration.between(lastHint, now).compareTo(HINT_EVERY) < 0) {
      return;
    }
    lastHint = now;
    Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
    for (TopicPartition partition : assigned) {
      AppliedPosition position = writer.standing(partition.partition());
      if (position != null) {
        offsets.put(partition, new OffsetAndMetadata(position.nextOffset()));
      }
    }
    consumer.commitAsync(offsets, null);
  }

  /** Reads where the target stands in partitions, and goes on from there. */
  private void seekToStanding(Set<Integer> partitions) {
    if (partitions.isEmpty()) {
      return;
    }
    UUID topicId = KafkaTopicIdentity.of(task, kafka);
    for (int number : partitions) {
      TopicPartition partition = new TopicPartition(task.topic(), number);
      AppliedPosition position =
          writer.stand(number, topicId).orElseThrow(() -> neverInStep(partition));
      consumer.seek(partition, position.nextOffset());
      voided.add(number);
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
      writer.close();
    }
  }

  /** The group gives and takes partitions; the target's position, not the group's, says where. */
  private final class Rebalance implements ConsumerRebalanceListener {
    @Override
    public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
      seekToStanding(writer.settle());
      seekToStanding(partitions.stream().map(TopicPartition::partition).collect(toSet()));
      assigned.addAll(partitions);
    }

    @Override
    public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
      Set<Integer> lost = writer.settle();
      for (TopicPartition partition : partitions) {
        assigned.remove(partition);
        writer.leave(partition.partition());
      }
      seekToStanding(
          lost.stream().filter(partition -> writer.standing(partition) != null).collect(toSet()));
    }
  }
}
