package io.tidemark.apply;

import io.tidemark.change.OperatingFailure;
import io.tidemark.kafka.KafkaStableEnds;
import io.tidemark.postgres.PgOrigins;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;

/**
 * One stretch of a loop in both directions between failures. Of several instances one leads: it
 * holds a lock at the target for as long as its session lives, the others wait.
 */
final class KafkaTwoWaySession implements ApplySession {
  private static final Duration BROKER_ANSWER_MAX = Duration.ofSeconds(5);

  /** An idle source's capture tells of itself every few seconds; one that runs is faster. */
  private static final Duration WHOLE_MAX = Duration.ofSeconds(60);

  private final TwoWayTask task;
  private final ApplySettings settings;
  private final ApplyProgress progress;
  private final InstantSource clock;
  private final TwoWaySchemas schemas;
  private final JdbcTwoSides sides;
  private final KafkaConsumer<byte[], byte[]> consumer;
  private final Map<String, Object> kafka;
  private final ApplyPorts.Captured captured;
  private final Map<TopicPartition, KafkaChanges> readers = new HashMap<>();
  private final Map<TopicPartition, AppliedPosition> standing = new HashMap<>();
  private final TopicPartition ofSource;
  private final TopicPartition ofTarget;
  private final CountDownLatch stopped = new CountDownLatch(1);
  private Instant lastCheck;
  private boolean hasApplied;

  private KafkaTwoWaySession(
      TwoWayTask task,
      TwoWaySchemas schemas,
      ApplySettings settings,
      ApplyProgress progress,
      InstantSource clock,
      JdbcTwoSides sides,
      Map<String, Object> kafka,
      ApplyPorts.Captured captured) {
    this.task = task;
    this.schemas = schemas;
    this.settings = settings;
    this.progress = progress;
    this.clock = clock;
    this.sides = sides;
    this.kafka = kafka;
    this.captured = captured;
    consumer = KafkaConsumers.ofBothSides(task, kafka);
    ofSource = new TopicPartition(task.sourceTopic(), 0);
    ofTarget = new TopicPartition(task.targetTopic(), 0);
    readers.put(ofSource, new KafkaChanges(task.source().connection()));
    readers.put(ofTarget, new KafkaChanges(task.target().connection()));
    lastCheck = clock.instant();
  }

  static KafkaTwoWaySession open(
      TwoWayTask task,
      KafkaApplyLoop.Plans plans,
      Map<String, Object> kafka,
      ApplySettings settings,
      ApplyPorts ports,
      ApplyProgress progress,
      InstantSource clock) {
    ApplyPlan plan = plans.current();
    JdbcTwoSides sides = JdbcTwoSides.open(task, plan, ports);
    try {
      TwoWaySchemas schemas = new TwoWaySchemas(task, plan.mapping(), plans, kafka);
      return new KafkaTwoWaySession(
          task, schemas, settings, progress, clock, sides, kafka, ports.captured());
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
  public boolean isFlowing() {
    return !standing.isEmpty()
        && (hasApplied
            || standing.keySet().stream().allMatch(one -> consumer.currentLag(one).orElse(1) == 0));
  }

  /** Who asks for the lead in vain has asked the databases. */
  @Override
  public boolean isStandingBy() {
    return standing.isEmpty();
  }

  /** Waits for changes of either side a while, and brings in step what they touch. */
  @Override
  public void step() {
    if (standing.isEmpty() && !takeLead()) {
      pause();
      return;
    }
    Map<TopicPartition, List<ConsumerRecord<byte[], byte[]>>> records = poll();
    if (records.isEmpty()) {
      keepPositions();
      checkWhileIdle();
    } else {
      apply(records);
    }
    report(ofSource);
    report(ofTarget);
  }

  private Map<TopicPartition, List<ConsumerRecord<byte[], byte[]>>> poll() {
    KafkaPieces pieces = new KafkaPieces(task.batchSize(), settings.batchBytesMax());
    pieces.add(consumer.poll(settings.pollMax()));
    while (pieces.wantMore()) {
      pieces.add(consumer.poll(Duration.ZERO));
    }
    return pieces.records();
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

  private void apply(Map<TopicPartition, List<ConsumerRecord<byte[], byte[]>>> records) {
    Batch batch = new Batch();
    batch.add(records);
    long started = System.nanoTime();
    Applied applied = sides.apply(batch.work());
    while (applied instanceof Applied.Unfinished unfinished) {
      batch.readWhole(unfinished.topic().equals(ofSource.topic()) ? ofSource : ofTarget);
      applied = sides.apply(batch.work());
    }
    if (applied instanceof Applied.Committed committed) {
      standing.put(ofSource, batch.sourceTo);
      standing.put(ofTarget, batch.targetTo);
      hasApplied = true;
      progress.count(
          committed.counts(),
          (int) (batch.source.count() + batch.target.count()),
          batch.bytes,
          System.nanoTime() - started,
          clock.instant());
    } else {
      seekToStanding();
    }
    lastCheck = clock.instant();
  }

  /** Records of both sides that are applied together. */
  private final class Batch {
    private final String echo = PgOrigins.prefix(task.configuration());
    private final TwoWayChanges source = new TwoWayChanges(new Projection(schemas.there()), echo);
    private final TwoWayChanges target = new TwoWayChanges(new Projection(schemas.back()), echo);
    private final Set<TopicPartition> whole = new HashSet<>();
    private AppliedPosition sourceTo = standing(ofSource);
    private AppliedPosition targetTo = standing(ofTarget);
    private long bytes;

    void add(Map<TopicPartition, List<ConsumerRecord<byte[], byte[]>>> records) {
      sourceTo = add(records.getOrDefault(ofSource, List.of()), ofSource, source, sourceTo);
      targetTo = add(records.getOrDefault(ofTarget, List.of()), ofTarget, target, targetTo);
    }

    private AppliedPosition add(
        List<ConsumerRecord<byte[], byte[]>> records,
        TopicPartition partition,
        TwoWayChanges changes,
        AppliedPosition from) {
      AppliedPosition at = from;
      KafkaChanges reader = readers.get(partition);
      for (ConsumerRecord<byte[], byte[]> record : records) {
        bytes += KafkaChanges.size(record);
        TopicChange change = reader.read(record);
        if (partition.equals(ofSource)) {
          schemas.requireOfSource(change.change());
        } else {
          schemas.requireOfTarget(change.change());
        }
        changes.add(change);
        at = at.after(change);
      }
      return at;
    }

    /** Reads on until the transaction has ended in which the partition's position stands. */
    void readWhole(TopicPartition partition) {
      String connection = (partition.equals(ofSource) ? task.source() : task.target()).connection();
      long commitLsn = standing(partition).source().commitLsn();
      long until = System.nanoTime() + WHOLE_MAX.toNanos();
      while (captured.upTo(connection).orElse(0) <= commitLsn) {
        readMore(connection, until);
      }
      // Now all of it is in the topic.
      long end =
          KafkaStableEnds.of(consumer, List.of(partition), kafka).getOrDefault(partition, 0L);
      while (consumer.position(partition) < end) {
        readMore(connection, until);
      }
      whole.add(partition);
    }

    private void readMore(String connection, long until) {
      if (System.nanoTime() > until) {
        throw new OperatingFailure(
            OperatingFailure.Kind.SOURCE,
            "capture_behind",
            "the end of a transaction of connection '" + connection + "' has not arrived",
            "see GET /captures for what holds it up; it is tried again by itself",
            null);
      }
      add(poll());
    }

    private boolean isWhole(TopicPartition partition, AppliedPosition to) {
      return whole.contains(partition)
          || to.source().commitLsn() > standing(partition).source().commitLsn();
    }

    TwoWayWork work() {
      return new TwoWayWork(
          source,
          target,
          isWhole(ofSource, sourceTo),
          isWhole(ofTarget, targetTo),
          standing(ofSource),
          sourceTo,
          standing(ofTarget),
          targetTo);
    }
  }

  private AppliedPosition standing(TopicPartition partition) {
    AppliedPosition position = standing.get(partition);
    if (position == null) {
      throw new IllegalStateException("no position of " + partition + " was read");
    }
    return position;
  }

  /** Takes note of records that hold no change, for whoever waits for an offset. */
  private void keepPositions() {
    AppliedPosition source = standing(ofSource).at(consumer.position(ofSource));
    AppliedPosition target = standing(ofTarget).at(consumer.position(ofTarget));
    if (source.equals(standing(ofSource)) && target.equals(standing(ofTarget))) {
      return;
    }
    TwoWayChanges none = new TwoWayChanges(new Projection(schemas.there()), "");
    TwoWayWork work =
        new TwoWayWork(
            none, none, true, true, standing(ofSource), source, standing(ofTarget), target);
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
    progress.at(new ApplyProgress.Partition(standing(partition), consumed, end), clock.instant());
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
