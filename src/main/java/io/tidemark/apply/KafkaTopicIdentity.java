package io.tidemark.apply;

import io.tidemark.change.OperatingFailure;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

/**
 * Tells a topic from a later one of the same name: offsets begin again there, so a position in the
 * one says nothing about the other.
 */
final class KafkaTopicIdentity {
  private static final Duration ANSWER_MAX = Duration.ofSeconds(20);
  private static final Duration CLOSE_MAX = Duration.ofSeconds(2);

  private KafkaTopicIdentity() {}

  /** The identity that Kafka gave the topic when it was made. */
  static UUID of(ApplyTask task, Map<String, Object> kafka) {
    Map<String, Object> settings = new HashMap<>(kafka);
    settings.put("client.id", "tidemark-topic-" + task.configuration());
    Admin admin = Admin.create(settings);
    try {
      Uuid id =
          admin
              .describeTopics(List.of(task.topic()))
              .topicNameValues()
              .get(task.topic())
              .get(ANSWER_MAX.toMillis(), TimeUnit.MILLISECONDS)
              .topicId();
      return new UUID(id.getMostSignificantBits(), id.getLeastSignificantBits());
    } catch (ExecutionException | TimeoutException e) {
      throw failure(task, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while looking up topic " + task.topic(), e);
    } finally {
      admin.close(CLOSE_MAX);
    }
  }

  private static OperatingFailure failure(ApplyTask task, Exception e) {
    if (e.getCause() instanceof UnknownTopicOrPartitionException) {
      return new OperatingFailure(
          OperatingFailure.Kind.BROKER,
          "topic_missing",
          "topic " + task.topic() + " does not exist",
          "If it was deleted, what it held is lost: POST /captures/"
              + task.sourceConnection()
              + "/reset makes it anew and copies the tables in full",
          e);
    }
    return new OperatingFailure(
        OperatingFailure.Kind.BROKER,
        "broker_unreachable",
        "topic " + task.topic() + " could not be looked up: " + e.getMessage(),
        "check that the brokers are up and reachable, and that this user may describe the topic",
        e);
  }

  /** What stands in the way when the position is one in a topic that is no more. */
  static OperatingFailure replaced(ApplyTask task) {
    return new OperatingFailure(
        OperatingFailure.Kind.BROKER,
        "topic_replaced",
        "topic "
            + task.topic()
            + " was deleted and made anew, so it need not hold the changes that the target needs"
            + " next",
        "run a full sync of this configuration (execute with mode full)",
        null);
  }
}
