package io.tidemark.capture;

import io.tidemark.change.OperatingFailure;
import io.tidemark.change.TableName;
import io.tidemark.change.TopicName;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.config.TopicConfig;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

/**
 * Makes topics. A topic that exists is left as it is: its settings may be the operator's by now.
 */
final class KafkaTopics implements AutoCloseable {
  /** Largest record; PostgreSQL's own limit for one field is 1 GB, memory's is far below. */
  static final int RECORD_BYTES_MAX = 128 << 20;

  /** Small segments, since only closed ones are compacted. */
  private static final int COMPACTED_SEGMENT_BYTES = 16 << 20;

  private static final Duration CLOSE_MAX = Duration.ofSeconds(5);

  private final CaptureSettings settings;
  private final Admin admin;

  KafkaTopics(CaptureSettings settings, Map<String, Object> clients) {
    this.settings = settings;
    Map<String, Object> config = new HashMap<>(clients);
    config.putIfAbsent("client.id", settings.topicPrefix() + "-capture-topics");
    this.admin = Admin.create(config);
  }

  /** Makes sure that a table's change topic exists, and answers its name. */
  String ensureChanges(String connection, TableName table) {
    Map<String, String> config = new HashMap<>();
    config.put(TopicConfig.CLEANUP_POLICY_CONFIG, TopicConfig.CLEANUP_POLICY_DELETE);
    config.put(TopicConfig.RETENTION_MS_CONFIG, Long.toString(settings.retention().toMillis()));
    config.put(TopicConfig.MAX_MESSAGE_BYTES_CONFIG, Integer.toString(RECORD_BYTES_MAX));
    config.putAll(settings.topicConfig());
    String topic = TopicName.of(settings.topicPrefix(), connection, table);
    ensure(topic, settings.partitions(), config);
    return topic;
  }

  /**
   * The change topic of a table that is tracked already.
   *
   * @throws OperatingFailure as {@link CaptureStart#topicMissing} if it is gone: it is not made
   *     again, since a new one would hide that what it held is lost
   */
  String requireChanges(CaptureStart decision, String connection, TableName table) {
    String topic = TopicName.of(settings.topicPrefix(), connection, table);
    if (!exists(topic)) {
      throw decision.topicMissing(topic, table);
    }
    return topic;
  }

  /** Makes sure that a connection's position topic exists, and answers its name. */
  String ensurePosition(String connection) {
    return ensureCompacted(TopicName.positionOf(settings.topicPrefix(), connection));
  }

  /** Makes sure that the topic of a connection's table schemas exists, and answers its name. */
  String ensureSchemas(String connection) {
    return ensureCompacted(TopicName.schemasOf(settings.topicPrefix(), connection));
  }

  private String ensureCompacted(String topic) {
    Map<String, String> config = new HashMap<>();
    // The schema of a very wide table is larger than what brokers take by default.
    config.put(TopicConfig.MAX_MESSAGE_BYTES_CONFIG, Integer.toString(RECORD_BYTES_MAX));
    config.putAll(settings.topicConfig());
    // INVARIANT: never by retention: a capture without its position fails closed, and a change
    // names its schema for as long as anybody reads it.
    config.put(TopicConfig.CLEANUP_POLICY_CONFIG, TopicConfig.CLEANUP_POLICY_COMPACT);
    config.put(TopicConfig.SEGMENT_BYTES_CONFIG, Integer.toString(COMPACTED_SEGMENT_BYTES));
    ensure(topic, 1, config);
    return topic;
  }

  private void ensure(String topic, int partitions, Map<String, String> config) {
    Optional<Short> replication =
        settings.replicationFactor().isPresent()
            ? Optional.of((short) settings.replicationFactor().getAsInt())
            : Optional.empty();
    if (exists(topic)) {
      return;
    }
    NewTopic wanted = new NewTopic(topic, Optional.of(partitions), replication).configs(config);
    try {
      admin.createTopics(List.of(wanted)).all().get();
    } catch (ExecutionException e) {
      if (!(e.getCause() instanceof TopicExistsException)) {
        throw new OperatingFailure(
            OperatingFailure.Kind.BROKER,
            "topic_not_created",
            "topic " + topic + " could not be created: " + e.getCause().getMessage(),
            "Check that the brokers are up and that this client may create topics.",
            e);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while making topic " + topic, e);
    }
  }

  /** Asked first: whoever may write to a topic need not be allowed to make one. */
  private boolean exists(String topic) {
    try {
      admin.describeTopics(List.of(topic)).allTopicNames().get();
      return true;
    } catch (ExecutionException e) {
      if (e.getCause() instanceof UnknownTopicOrPartitionException) {
        return false;
      }
      throw new OperatingFailure(
          OperatingFailure.Kind.BROKER,
          "topic_unknown",
          "topic " + topic + " could not be looked up: " + e.getCause().getMessage(),
          "Check that the brokers are up and that this client may describe topics.",
          e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while looking up topic " + topic, e);
    }
  }

  @Override
  public void close() {
    admin.close(CLOSE_MAX);
  }
}
