package io.tidemark.kafka;

import io.tidemark.change.OperatingFailure;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListOffsetsOptions;
import org.apache.kafka.clients.admin.ListOffsetsResult;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.TopicPartition;
import org.jspecify.annotations.Nullable;

/**
 * Where partitions end for committed readers, behind every transaction that has been committed.
 *
 * <p>INVARIANT: not simply the end that a committed reader sees now. A transaction's commit is
 * answered once it is certain; the brokers tell the partitions a moment later, each at its own
 * time, and until then committed readers see an end before it.
 */
public final class KafkaStableEnds {
  private static final Duration ANSWER_MAX = Duration.ofSeconds(20);
  private static final Duration CLOSE_MAX = Duration.ofSeconds(2);

  /** A transaction that its producer has left open is ended by the brokers after half of it. */
  private static final Duration OPEN_MAX = Duration.ofSeconds(60);

  private static final long LOOK_MILLIS = 5;

  private KafkaStableEnds() {}

  /**
   * @param committed a consumer of committed records
   * @throws OperatingFailure if the brokers do not answer, or a transaction stays open
   */
  public static Map<TopicPartition, Long> of(
      Consumer<byte[], byte[]> committed,
      Collection<TopicPartition> partitions,
      Map<String, Object> kafka) {
    Map<TopicPartition, Long> written = written(partitions, kafka);
    long deadline = System.nanoTime() + OPEN_MAX.toNanos();
    while (true) {
      Map<TopicPartition, Long> ends = committed.endOffsets(partitions);
      if (partitions.stream().allMatch(one -> ends.get(one) >= written.get(one))) {
        return ends;
      }
      if (System.nanoTime() > deadline) {
        throw failure("a transaction in " + partitions + " stays open", null);
      }
      pause();
    }
  }

  /** Where they end for readers of everything, committed or not. */
  private static Map<TopicPartition, Long> written(
      Collection<TopicPartition> partitions, Map<String, Object> kafka) {
    Map<String, Object> settings = new HashMap<>(kafka);
    settings.putIfAbsent("client.id", "tidemark-topic-ends");
    Admin admin = Admin.create(settings);
    try {
      ListOffsetsResult result =
          admin.listOffsets(
              partitions.stream()
                  .collect(Collectors.toMap(Function.identity(), one -> OffsetSpec.latest())),
              new ListOffsetsOptions(IsolationLevel.READ_UNCOMMITTED));
      Map<TopicPartition, Long> ends = new HashMap<>();
      result
          .all()
          .get(ANSWER_MAX.toMillis(), TimeUnit.MILLISECONDS)
          .forEach((partition, end) -> ends.put(partition, end.offset()));
      return ends;
    } catch (ExecutionException | TimeoutException e) {
      throw failure("the end of " + partitions + " could not be looked up: " + e.getMessage(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while looking up " + partitions, e);
    } finally {
      admin.close(CLOSE_MAX);
    }
  }

  private static void pause() {
    try {
      Thread.sleep(LOOK_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while waiting for a transaction's end", e);
    }
  }

  private static OperatingFailure failure(String message, @Nullable Exception cause) {
    return new OperatingFailure(
        OperatingFailure.Kind.BROKER,
        "broker_unreachable",
        message,
        "check that the brokers are up and reachable",
        cause);
  }
}
