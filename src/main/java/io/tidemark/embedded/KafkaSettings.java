package io.tidemark.embedded;

import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Path;
import java.util.Properties;

/** The settings of one broker that is its own controller, on loopback and with little memory. */
final class KafkaSettings {

  static final int NODE_ID = 1;
  static final String CONTROLLER_LISTENER = "CONTROLLER";

  // Sizes: rows of more than ten megabytes must pass, as JSON and with their former version.
  private static final String FIXED =
      """
      controller.listener.names=CONTROLLER
      listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT

      # INVARIANT: what is acknowledged is on disk. There is no second replica to keep it when this
      # machine loses power, and PostgreSQL forgets what was acknowledged.
      log.flush.interval.messages=1

      # Topics are made on purpose, and internal ones with few partitions: each costs files, and one
      # machine gains nothing from more.
      auto.create.topics.enable=false
      default.replication.factor=1
      min.insync.replicas=1
      offsets.topic.num.partitions=8
      offsets.topic.replication.factor=1
      transaction.state.log.num.partitions=4
      transaction.state.log.replication.factor=1
      transaction.state.log.min.isr=1
      share.coordinator.state.topic.num.partitions=1
      share.coordinator.state.topic.replication.factor=1
      share.coordinator.state.topic.min.isr=1
      group.initial.rebalance.delay.ms=0

      message.max.bytes=134217728
      replica.fetch.max.bytes=134217728
      replica.fetch.response.max.bytes=134217728
      fetch.max.bytes=134217728
      socket.request.max.bytes=142606336

      # The default of 128 MiB would be a quarter of the heap; our compacted topics are small.
      log.cleaner.dedupe.buffer.size=8388608
      log.cleaner.threads=1
      num.network.threads=2
      num.io.threads=4
      background.threads=2
      num.recovery.threads.per.data.dir=2
      num.replica.fetchers=1

      # No empty records in the metadata log: each is a write and a flush, twice a second, that only
      # tells other controllers that this one lives.
      metadata.max.idle.interval.ms=0
      auto.leader.rebalance.enable=false

      # INVARIANT: the broker is never fenced while it runs; KafkaFormerLife says what that avoids.
      # So: the longest session there is, and leadership is not given up on shutdown.
      broker.session.timeout.ms=2147483647
      controlled.shutdown.enable=false

      # A transaction that begins while the one before is still being completed waits in steps of
      # this. The default of 20 ms would be most of the time of a small transaction.
      add.partitions.to.txn.retry.backoff.ms=1
      add.partitions.to.txn.retry.backoff.max.ms=20
      """;

  private KafkaSettings() {}

  /** Broker and controller in one. */
  static Properties of(Path logDirectory, int port, int controllerPort) throws IOException {
    Properties settings = ofController(logDirectory, controllerPort);
    String client = "PLAINTEXT://127.0.0.1:" + port;
    settings.setProperty("process.roles", "broker,controller");
    settings.setProperty("listeners", client + "," + settings.getProperty("listeners"));
    settings.setProperty("advertised.listeners", client);
    return settings;
  }

  /** The controller alone, on the same metadata. */
  static Properties ofController(Path logDirectory, int controllerPort) throws IOException {
    Properties settings = new Properties();
    settings.load(new StringReader(FIXED));
    String controller = "127.0.0.1:" + controllerPort;
    settings.setProperty("process.roles", "controller");
    settings.setProperty("node.id", Integer.toString(NODE_ID));
    settings.setProperty("controller.quorum.voters", NODE_ID + "@" + controller);
    settings.setProperty("listeners", CONTROLLER_LISTENER + "://" + controller);
    settings.setProperty("log.dirs", logDirectory.toString());
    settings.setProperty(
        "server.max.startup.time.ms", Long.toString(EmbeddedBroker.START_BOUND.toMillis()));
    return settings;
  }
}
