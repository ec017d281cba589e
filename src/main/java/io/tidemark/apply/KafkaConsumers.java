package io.tidemark.apply;

import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** How change topics are read: committed records only, and never past a hole. */
final class KafkaConsumers {
  /** What a broker may hold a fetch back: a consumer's end waits for the one under way. */
  private static final int SHORT_LIFE_WAIT_MILLIS = 50;

  /** A record of 100 MB is legal in the topics; a fetch returns it whole whatever this bound. */
  private static final int FETCH_BYTES_MAX = 8 << 20;

  private KafkaConsumers() {}

  /**
   * A consumer that shares the topic's partitions with the configuration's others, here and in
   * other instances.
   *
   * @param number among those of this process
   */
  static KafkaConsumer<byte[], byte[]> inGroup(
      ApplyTask task, int number, Map<String, Object> kafka) {
    Map<String, Object> settings = common(task.batchSize(), kafka);
    settings.put(ConsumerConfig.GROUP_ID_CONFIG, "tidemark." + task.configuration());
    settings.put(
        ConsumerConfig.CLIENT_ID_CONFIG, "tidemark-apply-" + task.configuration() + "-" + number);
    // An instance that dies gives its partitions up after this time.
    settings.put(ConsumerConfig.SESSION_TIMEOUT_MS_CONFIG, 10_000);
    settings.put(ConsumerConfig.HEARTBEAT_INTERVAL_MS_CONFIG, 3_000);
    return new KafkaConsumer<>(settings);
  }

  /** A consumer without a group, for one that says itself which partitions it reads. */
  static KafkaConsumer<byte[], byte[]> alone(ApplyTask task, Map<String, Object> kafka) {
    Map<String, Object> settings = common(task.batchSize(), kafka);
    settings.remove(ConsumerConfig.GROUP_ID_CONFIG);
    settings.put(ConsumerConfig.CLIENT_ID_CONFIG, "tidemark-catch-up-" + task.configuration());
    settings.put(ConsumerConfig.FETCH_MAX_WAIT_MS_CONFIG, SHORT_LIFE_WAIT_MILLIS);
    return new KafkaConsumer<>(settings);
  }

  /** A consumer without a group, for the topic of schemas. */
  static KafkaConsumer<byte[], byte[]> ofSchemas(ApplyTask task, Map<String, Object> kafka) {
    Map<String, Object> settings = common(task.batchSize(), kafka);
    settings.remove(ConsumerConfig.GROUP_ID_CONFIG);
    settings.put(ConsumerConfig.CLIENT_ID_CONFIG, "tidemark-schemas-" + task.configuration());
    settings.put(ConsumerConfig.FETCH_MAX_WAIT_MS_CONFIG, SHORT_LIFE_WAIT_MILLIS);
    return new KafkaConsumer<>(settings);
  }

  /** A consumer without a group, for a loop in both directions. */
  static KafkaConsumer<byte[], byte[]> ofBothSides(TwoWayTask task, Map<String, Object> kafka) {
    Map<String, Object> settings = common(task.batchSize(), kafka);
    settings.remove(ConsumerConfig.GROUP_ID_CONFIG);
    settings.put(ConsumerConfig.CLIENT_ID_CONFIG, "tidemark-two-way-" + task.configuration());
    return new KafkaConsumer<>(settings);
  }

  /**
   * A topic's partitions.
   *
   * @throws org.apache.kafka.common.KafkaException also if no broker answers in time
   */
  static List<TopicPartition> partitions(
      KafkaConsumer<byte[], byte[]> consumer, String topic, Duration max) {
    return consumer.partitionsFor(topic, max).stream()
        .map(info -> new TopicPartition(topic, info.partition()))
        .toList();
  }

  private static Map<String, Object> common(int batchSize, Map<String, Object> kafka) {
    Map<String, Object> settings = new HashMap<>(kafka);
    settings.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
    // The target says where to start; a hole in the topic must be seen, not jumped over.
    settings.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "none");
    // A topic that was deleted must not come back empty because somebody asks for it.
    settings.put(ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG, false);
    settings.put(ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed");
    settings.put(ConsumerConfig.MAX_POLL_RECORDS_CONFIG, KafkaPieces.recordsMax(batchSize));
    settings.put(ConsumerConfig.MAX_PARTITION_FETCH_BYTES_CONFIG, FETCH_BYTES_MAX);
    settings.put(ConsumerConfig.FETCH_MAX_BYTES_CONFIG, FETCH_BYTES_MAX);
    settings.put(ConsumerConfig.FETCH_MIN_BYTES_CONFIG, 1);
    settings.put(
        ConsumerConfig.KEY_DESERIALIZER_CLASS_CONFIG, ByteArrayDeserializer.class.getName());
    settings.put(
        ConsumerConfig.VALUE_DESERIALIZER_CLASS_CONFIG, ByteArrayDeserializer.class.getName());
    return settings;
  }
}
