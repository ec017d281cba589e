package io.tidemark.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.Await;
import io.tidemark.Background;
import io.tidemark.TestStack;
import java.lang.reflect.Proxy;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The end of a topic in which a transaction has yet to end. */
@Tag("database")
class KafkaStableEndsTest {
  private static final int LOOKS = 3;

  private final AtomicInteger looks = new AtomicInteger();
  private final String topic = "ends-" + UUID.randomUUID();
  private final TopicPartition partition = new TopicPartition(topic, 0);

  @Test
  void isBehindTheTransactionsThatWereThere() throws Exception {
    try (Admin admin = Admin.create(TestStack.kafka());
        KafkaProducer<byte[], byte[]> producer = producer();
        KafkaConsumer<byte[], byte[]> consumer = consumer()) {
      admin
          .createTopics(List.of(new NewTopic(topic, Optional.of(1), Optional.empty())))
          .all()
          .get();
      producer.initTransactions();
      producer.beginTransaction();
      producer.send(new ProducerRecord<>(topic, new byte[] {1})).get();
      assertThat(consumer.endOffsets(List.of(partition))).containsEntry(partition, 0L);

      CompletableFuture<Map<TopicPartition, Long>> ends =
          CompletableFuture.supplyAsync(
              () -> KafkaStableEnds.of(counting(consumer), List.of(partition), TestStack.kafka()),
              Background.THREADS);
      Await.until(looks::get, count -> count > LOOKS);
      assertThat(ends).isNotDone();
      producer.commitTransaction();

      // The record, and the marker of its transaction.
      assertThat(Await.result(ends)).isEqualTo(Map.of(partition, 2L));
    }
  }

  /** The same consumer; how often it was asked for ends is counted. */
  @SuppressWarnings("unchecked")
  private Consumer<byte[], byte[]> counting(Consumer<byte[], byte[]> consumer) {
    return (Consumer<byte[], byte[]>)
        Proxy.newProxyInstance(
            Consumer.class.getClassLoader(),
            new Class<?>[] {Consumer.class},
            (proxy, method, arguments) -> {
              if (method.getName().equals("endOffsets")) {
                looks.incrementAndGet();
              }
              return method.invoke(consumer, arguments);
            });
  }

  private static KafkaProducer<byte[], byte[]> producer() {
    Map<String, Object> config = new HashMap<>(TestStack.kafka());
    config.put("transactional.id", UUID.randomUUID().toString());
    return new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer());
  }

  private static KafkaConsumer<byte[], byte[]> consumer() {
    Map<String, Object> config = new HashMap<>(TestStack.kafka());
    config.put("isolation.level", "read_committed");
    return new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer());
  }
}
