package io.tidemark.capture;

import io.tidemark.Background;
import io.tidemark.change.ChangeJson;
import io.tidemark.change.TableName;
import io.tidemark.change.TopicName;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;

/**
 * Reads a table's topic while it is written and looks up each new schema the moment that a change
 * names it.
 */
final class SchemaFollower implements AutoCloseable {
  private final CaptureFixture fixture;
  private final String topic;
  private final CompletableFuture<Set<String>> found;
  private volatile boolean stopping;

  SchemaFollower(CaptureFixture fixture, TableName table) {
    this.fixture = fixture;
    this.topic = TopicName.of(fixture.prefix, CaptureFixture.CONNECTION, table);
    this.found = CompletableFuture.supplyAsync(this::follow, Background.THREADS);
  }

  private Set<String> follow() {
    Set<String> known = new HashSet<>();
    ChangeJson.Reader json = new ChangeJson.Reader(CaptureFixture.CONNECTION);
    TopicPartition partition = new TopicPartition(topic, 0);
    try (KafkaConsumer<byte[], byte[]> consumer = fixture.consumer()) {
      consumer.assign(List.of(partition));
      consumer.seekToBeginning(List.of(partition));
      while (!stopping || consumer.position(partition) < end(consumer, partition)) {
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(20))) {
          String id = json.change(record.value(), null, null).source().schemaId();
          if (known.add(id) && !fixture.schemas().containsKey(id)) {
            throw new AssertionError("schema " + id + " came after offset " + record.offset());
          }
        }
      }
    } catch (java.io.IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
    return known;
  }

  private static long end(KafkaConsumer<byte[], byte[]> consumer, TopicPartition partition) {
    return consumer.endOffsets(List.of(partition)).get(partition);
  }

  /** Reads to the topic's end and answers the ids that its changes name, each of them found. */
  Set<String> finish() {
    stopping = true;
    return found.join();
  }

  @Override
  public void close() {
    stopping = true;
  }
}
