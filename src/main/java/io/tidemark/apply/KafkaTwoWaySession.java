package io.tidemark.apply;

import io.tidemark.change.OperatingFailure;
import io.tidemark.postgres.PgOrigins;
import io.tidemark.sync.TableMapping;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;

/**
 * One stretch of a loop in both directions between failures. Of several instances one leads: it
 * holds a lock at the target for as long as its session lives, the others wait.
 */
final class KafkaTwoWaySession implements ApplySession {
  private static final Duration BROKER_ANSWER_MAX = Duration.ofSeconds(5);

  private final TwoWayTask task;
  private final ApplySettings settings;
  private final ApplyProgress progress;
  private final InstantSource clock;
  private final TableMapping mapping;
  private final JdbcTwoSides sides;
  private final KafkaConsumer<byte[], byte[]> consumer;
  private final Map<TopicPartition, KafkaChanges> readers = new HashMap<>();
  private final Map<TopicPartition, AppliedPosition> standing = new HashMap<>();
  private final TopicPartition ofSource;
  private final TopicPartition ofTarget;
  private final CountDownLatch stopped = new CountDownLatch(1);
  private Instant lastCheck;

  private KafkaTwoWaySession(
      TwoWayTask task,
      TableMapping mapping,
      ApplySettings settings,
      ApplyProgress progress,
      InstantSource clock,
      JdbcTwoSides sides,
      KafkaConsumer<byte[], byte[]> consumer) {
    this.task = task;
    this.mapping = mapping;
    this.settings = settings;
    this.progress = progress;
    this.clock = clock;
    this.sides = sides;
    this.consumer = consumer;
    ofSource = new TopicPartition(task.sourceTopic(), 0);
    ofTarget = new TopicPartition(task.targetTopic(), 0);
    readers.put(ofSource, new KafkaChanges(task.source().connection()));
    readers.put(ofTarget, new KafkaChanges(task.target().connection()));
    lastCheck = clock.instant();
  }

  static KafkaTwoWaySession open(
      TwoWayTask task,
      ApplyPlan plan,
      Map<String, Object> kafka,
      ApplySettings settings,
      ApplyPorts ports,
      ApplyProgress progress,
      InstantSource clock) {
    JdbcTwoSides sides = JdbcTwoSides.open(task, plan, ports);
    try {
      return new KafkaTwoWaySession(
          task,
          plan.mapping(),
          settings,
          progress,
          clock,
          sides,
          KafkaConsumers.ofBothSides(task, kafka));
    } catch (RuntimeException e) {
      try {
        sides.close();
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

  /** Waits for changes of either side a while, and brings in step what they touch. */
  @Override
  public void step() {
    if (standing.isEmpty() && !takeLead()) {
      pause();
      return;
    }
    ConsumerRecords<byte[], byte[]> records = consumer.poll(settings.pollMax());
    if (records.isEmpty()) {
      keepPositions();
      checkWhileIdle();
    } else {
      apply(records);
    }
    report(ofSource);
    report(ofTarget);
  }

  private boolean takeLead() {
    if (!sides.takeLead()) {
      return false;
    }
    requireOnePartition(ofSource);
    requireOnePartition(ofTarget);
    consumer.assign(List.of(ofSource, ofTarget));
    seekToStanding();
    return true;
  }

  /** The order of a row's changes must not depend on what its key is called on either side. */
  private void requireOnePartition(TopicPartition partition) {
    int partitions = consumer.partitionsFor(partition.topic()).size();
    if (partitions != 1) {
      throw new OperatingFailure(
          OperatingFailure.Kind.USER,
          "several_partitions",
          "topic "
              + partition.topic()
              + " has "
              + partitions
              + " partitions, and changes that flow both ways need one",
          "set tidemark.topics.partitions to 1 and delete the topic, then reset the capture",
          null);
    }
  }

  private void pause() {
    try {
      if (stopped.await(settings.pollMax().toMillis(), TimeUnit.MILLISECONDS)) {
        throw new WakeupException();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new WakeupException();
    }
  }

  private void seekToStanding() {
    for (TopicPartition partition : List.of(ofSource, ofTarget)) {
      AppliedPosition position =
          sides
              .find(partition.topic())
              .orElseThrow(
                  () ->
                      new OperatingFailure(
                          OperatingFailure.Kind.TARGET,
                          "no_position",
                          "target connection '"
                              + task.target().connection()
                              + "' holds no position for "
                              + partition,
                          "run a merge of this configuration (execute with mode merge)",
                          null));
      standing.put(partition, position);
      consumer.seek(partition, position.nextOffset());
    }
  }

  private void apply(ConsumerRecords<byte[], byte[]> records) {
    String echo = PgOrigins.prefix(task.configuration());
    TwoWayChanges source = new TwoWayChanges(new Projection(mapping), echo);
    TwoWayChanges target = new TwoWayChanges(new Projection(mapping.reversed()), echo);
    AppliedPosition sourceTo = add(records, ofSource, source);
    AppliedPosition targetTo = add(records, ofTarget, target);
    long bytes = 0;
    for (ConsumerRecord<byte[], byte[]> record : records) {
      bytes += KafkaChanges.size(record);
    }
    long started = System.nanoTime();
    TwoWayWork work =
        new TwoWayWork(source, target, standing(ofSource), sourceTo, standing(ofTarget), targetTo);
    if (sides.apply(work) instanceof Applied.Committed committed) {
      standing.put(ofSource, sourceTo);
      standing.put(ofTarget, targetTo);
      progress.count(
          committed.counts(),
          (int) (source.count() + target.count()),
          bytes,
          System.nanoTime() - started,
          clock.instant());
    } else {
      seekToStanding();
    }
    lastCheck = clock.instant();
  }

  private AppliedPosition standing(TopicPartition partition) {
    AppliedPosition position = standing.get(partition);
    if (position == null) {
      throw new IllegalStateException("no position of " + partition + " was read");
    }
    return position;
  }

  private AppliedPosition add(
      ConsumerRecords<byte[], byte[]> records, TopicPartition partition, TwoWayChanges changes) {
    AppliedPosition at = standing(partition);
    KafkaChanges reader = readers.get(partition);
    for (ConsumerRecord<byte[], byte[]> record : records.records(partition)) {
      TopicChange change = reader.read(record);
      changes.add(change);
      at = at.after(change);
    }
    return at;
  }

  /** Takes note of records that hold no change, for whoever waits for an offset. */
  private void keepPositions() {
    AppliedPosition source = standing(ofSource).at(consumer.position(ofSource));
    AppliedPosition target = standing(ofTarget).at(consumer.position(ofTarget));
    if (source.equals(standing(ofSource)) && target.equals(standing(ofTarget))) {
      return;
    }
    TwoWayChanges none = new TwoWayChanges(new Projection(mapping), "");
    TwoWayWork work =
        new TwoWayWork(none, none, standing(ofSource), source, standing(ofTarget), target);
    if (sides.apply(work) instanceof Applied.Committed) {
      standing.put(ofSource, source);
      standing.put(ofTarget, target);
    } else {
      seekToStanding();
    }
  }

  /**
   * A consumer alone does not tell when no broker answers, nor a session when its server is gone.
   */
  private void checkWhileIdle() {
    Instant now = clock.instant();
    if (Duration.between(lastCheck, now).compareTo(settings.idleCheck()) < 0) {
      return;
    }
    lastCheck = now;
    sides.checkAlive();
    consumer.endOffsets(standing.keySet(), BROKER_ANSWER_MAX);
  }

  private void report(TopicPartition partition) {
    long consumed = consumer.position(partition);
    long end = consumed + consumer.currentLag(partition).orElse(0);
    progress.at(new ApplyProgress.Partition(standing(partition), consumed, end));
  }

  @Override
  public void wakeup() {
    stopped.countDown();
    consumer.wakeup();
  }

  @Override
  public void close() {
    standing.values().forEach(progress::forget);
    standing.clear();
    try {
      consumer.close();
    } finally {
      sides.close();
    }
  }
}
