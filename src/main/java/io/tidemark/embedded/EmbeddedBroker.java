package io.tidemark.embedded;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import kafka.server.KafkaConfig;
import kafka.server.KafkaRaftServer;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.metadata.storage.Formatter;

/** The running Kafka broker of the embedded stack, in this JVM; it listens on 127.0.0.1 only. */
public final class EmbeddedBroker {

  /** Seconds as a rule; after a kill each topic's last segment is read and checked first. */
  static final Duration START_BOUND = Duration.ofMinutes(2);

  /** Under a second as a rule; a broker with a fatal fault may never end its own stop. */
  private static final Duration STOP_BOUND = Duration.ofSeconds(30);

  private static final System.Logger LOG = System.getLogger(EmbeddedBroker.class.getName());

  private final KafkaRaftServer server;
  private final KafkaFaults faults;
  private final int port;
  private final AtomicBoolean closed = new AtomicBoolean();

  private EmbeddedBroker(KafkaRaftServer server, KafkaFaults faults, int port) {
    this.server = server;
    this.faults = faults;
    this.port = port;
  }

  static EmbeddedBroker start(DataDirectory directory, Ports ports, int configuredPort)
      throws IOException {
    Path logDirectory = directory.ensure("kafka", EmbeddedBroker::format);
    if (!Files.exists(logDirectory.resolve("meta.properties"))) {
      throw new EmbeddedStackException(
          "%s is not the data of a Kafka broker: meta.properties is missing."
                  .formatted(logDirectory)
              + " Move it away, or set %s to another directory."
                  .formatted(EmbeddedSettings.DATA_DIR_KEY));
    }
    int port = ports.configuredOrFree("Kafka", EmbeddedSettings.KAFKA_PORT_KEY, configuredPort);
    int controllerPort = ports.free("Kafka-controller");
    EmbeddedBroker broker = start(logDirectory, port, controllerPort);
    LOG.log(
        System.Logger.Level.INFO,
        "Kafka broker started (port={0}, directory={1})",
        Integer.toString(port),
        logDirectory);
    return broker;
  }

  static void format(Path empty) throws IOException {
    try {
      new Formatter()
          .setPrintStream(new PrintStream(OutputStream.nullOutputStream()))
          .setNodeId(KafkaSettings.NODE_ID)
          .setClusterId(Uuid.randomUuid().toString())
          .setDirectories(List.of(empty.toString()))
          .setMetadataLogDirectory(empty.toString())
          .setControllerListenerName(KafkaSettings.CONTROLLER_LISTENER)
          // Who may lead after a loss is a question among replicas; here each partition has one.
          .setFeatureLevel("eligible.leader.replicas.version", (short) 0)
          .run();
    } catch (IOException | RuntimeException e) {
      throw e;
    } catch (Exception e) {
      throw new IOException("Kafka could not format " + empty, e);
    }
  }

  private static EmbeddedBroker start(Path logDirectory, int port, int controllerPort)
      throws IOException {
    Properties settings = KafkaSettings.of(logDirectory, port, controllerPort);
    KafkaFaults faults = KafkaFaults.watch();
    try {
      KafkaFormerLife.end(logDirectory, controllerPort);
      KafkaRaftServer server = new KafkaRaftServer(new KafkaConfig(settings, false), Time.SYSTEM);
      EmbeddedBroker broker = new EmbeddedBroker(server, faults, port);
      broker.startUp();
      return broker;
    } catch (RuntimeException e) {
      faults.close();
      throw new EmbeddedStackException(
          "The Kafka broker did not start on port %d in %s: %s%s"
              .formatted(port, logDirectory, e, faults.failure().map(" "::concat).orElse("")),
          e);
    }
  }

  private void startUp() {
    try {
      server.startup();
    } catch (RuntimeException e) {
      try {
        close();
      } catch (EmbeddedStackException suppressed) {
        e.addSuppressed(suppressed);
      }
      throw e;
    }
  }

  public int port() {
    return port;
  }

  /** For the client setting of the same name. */
  public String bootstrapServers() {
    return "127.0.0.1:" + port;
  }

  /** The fatal fault for which the broker can no longer be relied on. */
  public Optional<String> failure() {
    return faults.failure();
  }

  void close() {
    if (!closed.compareAndSet(false, true)) {
      return;
    }
    CompletableFuture<Optional<String>> problem = new CompletableFuture<>();
    Thread stopper = new Thread(() -> problem.complete(stop()), "embedded-kafka-stop");
    // A stop that hangs must not keep the JVM.
    stopper.setDaemon(true);
    stopper.start();
    Optional<String> late = Optional.of("not stopped in " + STOP_BOUND.toSeconds() + " s");
    Optional<String> outcome =
        problem.completeOnTimeout(late, STOP_BOUND.toMillis(), TimeUnit.MILLISECONDS).join();
    faults.close();
    if (outcome.isPresent()) {
      throw new EmbeddedStackException(
          "The Kafka broker on port %d did not stop cleanly (%s); it recovers at its next start."
              .formatted(port, outcome.get()));
    }
  }

  private Optional<String> stop() {
    try {
      server.shutdown();
      server.awaitShutdown();
      return Optional.empty();
    } catch (RuntimeException | Error e) {
      LOG.log(System.Logger.Level.ERROR, "The Kafka broker failed to stop", e);
      return Optional.of(e.toString());
    }
  }
}
