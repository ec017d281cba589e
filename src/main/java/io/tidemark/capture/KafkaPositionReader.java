package io.tidemark.capture;

import io.tidemark.change.TopicName;
import io.tidemark.kafka.KafkaStableEnds;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.jspecify.annotations.Nullable;

/**
 * Reads one connection's position topic, committed records only. Any instance may; one thread at a
 * time.
 */
final class KafkaPositionReader implements AutoCloseable {
  /** Longest wait for a broker that does not answer. */
  private static final Duration ANSWER_MAX = Duration.ofSeconds(20);

  /** What the broker may hold a fetch back: the reader's end waits for the one under way. */
  private static final int FETCH_WAIT_MILLIS = 50;

  private static final Duration ONE_POLL = Duration.ofMillis(100);

  /** Offsets looked at first, from the end; transaction markers take offsets too. */
  private static final long WINDOW = 16;

  private static final int WINDOW_GROWTH = 32;

  private final Map<String, Object> clients;
  private final Consumer<byte[], byte[]> consumer;
  private final TopicPartition partition;

  KafkaPositionReader(CaptureSettings settings, Map<String, Object> clients, String connection) {
    this.clients = clients;
    Map<String, Object> config = new HashMap<>(clients);
    config.keySet().removeIf(key -> key.equals("group.id") || key.equals("group.instance.id"));
    config.put("isolation.level", "read_committed");
    config.put("enable.auto.commit", false);
    config.put("auto.offset.reset", "earliest");
    config.put("allow.auto.create.topics", false);
    config.put("default.api.timeout.ms", (int) ANSWER_MAX.toMillis());
    config.put("fetch.max.wait.ms", FETCH_WAIT_MILLIS);
    config.put("client.id", settings.topicPrefix() + "-capture-position");
    this.consumer =
        new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    this.partition =
        new TopicPartition(TopicName.positionOf(settings.topicPrefix(), connection), 0);
    consumer.assign(List.of(partition));
  }

  /**
   * The newest record of all that had been committed; empty if there is none. Waits for the end of
   * an open transaction, as a rule for milliseconds.
   */
  Optional<WrittenPosition> last() {
    if (hasNoTopic()) {
      return Optional.empty();
    }
    List<TopicPartition> all = List.of(partition);
    return lastBefore(KafkaStableEnds.of(consumer, all, clients).getOrDefault(partition, 0L));
  }

  /** A record that is the newest one, or was a moment ago; empty if there is none. */
  Optional<WrittenPosition> recent() {
    if (hasNoTopic()) {
      return Optional.empty();
    }
    return lastBefore(consumer.endOffsets(List.of(partition)).getOrDefault(partition, 0L));
  }

  private boolean hasNoTopic() {
    return consumer.partitionsFor(partition.topic()).isEmpty();
  }

  private Optional<WrittenPosition> lastBefore(long end) {
    long begin = consumer.beginningOffsets(List.of(partition)).getOrDefault(partition, 0L);
    for (long window = WINDOW; ; window *= WINDOW_GROWTH) {
      long from = Math.max(begin, end - window);
      Optional<WrittenPosition> found = lastOf(from, end);
      if (found.isPresent() || from == begin) {
        return found;
      }
    }
  }

  private Optional<WrittenPosition> lastOf(long from, long end) {
    consumer.seek(partition, from);
    long until = System.nanoTime() + ANSWER_MAX.toNanos();
    Optional<WrittenPosition> last = Optional.empty();
    while (consumer.position(partition) < end) {
      if (System.nanoTime() > until) {
        throw new TimeoutException("the position topic did not answer in time");
      }
      Optional<WrittenPosition> newer = next(ONE_POLL);
      last = newer.isPresent() ? newer : last;
    }
    return last;
  }

  /** The newest of the records that come next, within a time. */
  Optional<WrittenPosition> next(Duration max) {
    @Nullable ConsumerRecord<byte[], byte[]> newest = null;
    for (ConsumerRecord<byte[], byte[]> record : consumer.poll(max)) {
      newest = record;
    }
    if (newest == null || newest.value() == null) {
      return Optional.empty();
    }
    try {
      return Optional.of(PositionJson.read(newest.value()));
    } catch (IOException e) {
      throw new UncheckedIOException("topic " + partition.topic() + " holds no position", e);
    }
  }

  @Override
  public void close() {
    consumer.close();
  }
}
