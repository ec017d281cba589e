package io.tidemark.capture;

import io.tidemark.change.Backoff;
import java.time.Duration;
import java.util.Map;
import java.util.OptionalInt;

/**
 * How changes are captured and how their topics are made.
 *
 * @param topicPrefix first part of every topic's name; 1 to 100 characters, so that a table's name
 *     still fits into Kafka's 249
 * @param installation tells two installations of one prefix apart that capture the same database;
 *     part of the slot's name
 * @param version Tidemark's version, in every envelope
 * @param partitions of a new change topic, 1 to 1000 (a truncate writes one record to each)
 * @param replicationFactor of new topics; empty for the broker's default
 * @param retention of change topics; at least an hour, since it must outlast a target's outage
 * @param topicConfig further settings of new topics, over ours
 * @param heartbeat how often an idle source is made to move, 100 ms to 60 s: an idle source's slot
 *     holds the WAL of every other database of its server
 * @param backoff between attempts that fail
 * @param writerWait how long to wait for transactions that were writing to a table when its capture
 *     began
 */
public record CaptureSettings(
    String topicPrefix,
    String installation,
    String version,
    int partitions,
    OptionalInt replicationFactor,
    Duration retention,
    Map<String, String> topicConfig,
    Duration heartbeat,
    Backoff backoff,
    Duration writerWait) {
  private static final int PREFIX_LENGTH_MAX = 100;
  private static final int PARTITIONS_MAX = 1000;
  private static final Duration RETENTION_MIN = Duration.ofHours(1);
  private static final Duration HEARTBEAT_MIN = Duration.ofMillis(100);
  private static final Duration HEARTBEAT_MAX = Duration.ofSeconds(60);

  public CaptureSettings {
    topicConfig = Map.copyOf(topicConfig);
    if (!topicPrefix.matches("[a-zA-Z0-9._-]{1," + PREFIX_LENGTH_MAX + "}")) {
      throw new IllegalArgumentException(
          "the topic prefix is 1 to " + PREFIX_LENGTH_MAX + " letters, digits, '.', '_' or '-'");
    }
    if (partitions < 1 || partitions > PARTITIONS_MAX) {
      throw new IllegalArgumentException("partitions are 1 to " + PARTITIONS_MAX);
    }
    if (replicationFactor.isPresent() && replicationFactor.getAsInt() < 1) {
      throw new IllegalArgumentException("the replication factor is at least 1");
    }
    if (retention.compareTo(RETENTION_MIN) < 0) {
      throw new IllegalArgumentException("the topics' retention is at least one hour");
    }
    if (heartbeat.compareTo(HEARTBEAT_MIN) < 0 || heartbeat.compareTo(HEARTBEAT_MAX) > 0) {
      throw new IllegalArgumentException("the heartbeat is 100 ms to 60 s");
    }
    if (writerWait.toMillis() < 1) {
      throw new IllegalArgumentException("the wait for writers is at least 1 ms");
    }
  }

  /** The defaults for one prefix. */
  public static CaptureSettings of(String topicPrefix, String installation, String version) {
    return new CaptureSettings(
        topicPrefix,
        installation,
        version,
        1,
        OptionalInt.empty(),
        Duration.ofDays(7),
        Map.of(),
        Duration.ofSeconds(2),
        new Backoff(Duration.ofMillis(200), Duration.ofSeconds(30)),
        Duration.ofSeconds(60));
  }
}
