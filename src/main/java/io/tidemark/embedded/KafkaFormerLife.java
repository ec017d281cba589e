package io.tidemark.embedded;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import kafka.server.KafkaConfig;
import kafka.server.KafkaRaftServer;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.common.errors.BrokerIdNotRegisteredException;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.errors.UnsupportedVersionException;
import org.apache.kafka.common.utils.Time;

/**
 * Takes the broker's former life out of the cluster's metadata before the next one begins.
 *
 * <p>RATIONALE. When a partition loses its leader while the transaction coordinator still has a
 * commit marker for it, Kafka 4.3 may take the partition for deleted, skip the marker and call the
 * transaction complete: acknowledged records that no read_committed reader ever sees. That was seen
 * in one of twelve restarts after a kill right behind a commit. Partitions lose their leader when
 * the broker's session ends, when it registers anew while its former life counts as alive, and in a
 * controlled shutdown. With one broker none of these serves anybody. So its session never ends and
 * its shutdown is not controlled (see {@link KafkaSettings}), and the former registration is
 * removed here, by a controller that runs alone: where no coordinator runs, no marker is skipped.
 *
 * <p>It also saves the time for which a controller would hold back a killed broker's return.
 */
final class KafkaFormerLife {

  /** An answer takes milliseconds; a controller with a long log to read needs more. */
  private static final Duration ANSWER_BOUND = Duration.ofSeconds(60);

  /** Short beside the start it is part of; each try is a new connection. */
  private static final Duration RETRY_PAUSE = Duration.ofMillis(20);

  private KafkaFormerLife() {}

  static void end(Path logDirectory, int controllerPort) throws IOException {
    if (!Files.exists(logDirectory.resolve("__cluster_metadata-0"))) {
      return;
    }
    KafkaConfig config =
        new KafkaConfig(KafkaSettings.ofController(logDirectory, controllerPort), false);
    KafkaRaftServer controller = new KafkaRaftServer(config, Time.SYSTEM);
    try {
      controller.startup();
      unregister("127.0.0.1:" + controllerPort);
    } finally {
      controller.shutdown();
      controller.awaitShutdown();
    }
  }

  private static void unregister(String controller) {
    long deadline = System.nanoTime() + ANSWER_BOUND.toNanos();
    try {
      while (!tryUnregister(controller)) {
        if (System.nanoTime() > deadline) {
          throw new EmbeddedStackException(
              "The Kafka controller was not ready in %d s.".formatted(ANSWER_BOUND.toSeconds()));
        }
        TimeUnit.MILLISECONDS.sleep(RETRY_PAUSE.toMillis());
      }
    } catch (TimeoutException e) {
      throw new EmbeddedStackException(
          "The Kafka controller did not answer in %d s.".formatted(ANSWER_BOUND.toSeconds()), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new EmbeddedStackException("Interrupted while starting Kafka", e);
    }
  }

  /** False while the controller is not ready. */
  private static boolean tryUnregister(String controller)
      throws InterruptedException, TimeoutException {
    String bound = Long.toString(ANSWER_BOUND.toMillis());
    // A client of its own for each try: it keeps the answer below for final.
    try (Admin admin =
        Admin.create(
            Map.of("bootstrap.controllers", controller, "default.api.timeout.ms", bound))) {
      admin
          .unregisterBroker(KafkaSettings.NODE_ID)
          .all()
          .get(ANSWER_BOUND.toSeconds(), TimeUnit.SECONDS);
      return true;
    } catch (ExecutionException e) {
      // Not registered: the former life ended before it registered, or has been taken out already.
      if (e.getCause() instanceof BrokerIdNotRegisteredException) {
        return true;
      }
      if (isNotReady(e.getCause())) {
        return false;
      }
      throw new EmbeddedStackException("The Kafka controller refused: " + e.getCause(), e);
    }
  }

  /**
   * Whether a controller that starts may answer this: it has not read the level of its metadata
   * yet, or does not know yet that it leads.
   */
  static boolean isNotReady(Throwable answer) {
    return answer instanceof UnsupportedVersionException || answer instanceof RetriableException;
  }
}
