package io.tidemark;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.util.List;
import java.util.Map;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.containers.GenericContainer;
import org.testcontainers.containers.wait.strategy.Wait;
import org.testcontainers.utility.DockerImageName;

/** PostgreSQL and Kafka in containers, set as the embedded ones are. Needs Docker. */
final class ContainerStack implements TestStack.Servers {
  private static final String USER = "tidemark";
  private static final int POSTGRES_PORT = 5432;
  private static final int KAFKA_PORT = 9092;

  private final GenericContainer<?> postgres;
  private final String bootstrapServers;

  private ContainerStack(GenericContainer<?> postgres, String bootstrapServers) {
    this.postgres = postgres;
    this.bootstrapServers = bootstrapServers;
  }

  /** Starts both; they end with this JVM. */
  static ContainerStack start() {
    if (!DockerClientFactory.instance().isDockerAvailable()) {
      throw new IllegalStateException(
          "-Dtidemark.it=containers needs Docker, and no Docker answers here;"
              + " leave it out to test on the embedded servers");
    }
    GenericContainer<?> postgres = postgres();
    postgres.start();
    String host = DockerClientFactory.instance().dockerHostIpAddress();
    int port = freePort();
    kafka(host, port).start();
    return new ContainerStack(postgres, host + ":" + port);
  }

  private static GenericContainer<?> postgres() {
    return new GenericContainer<>(DockerImageName.parse("postgres:18"))
        .withEnv("POSTGRES_USER", USER)
        .withEnv("POSTGRES_PASSWORD", USER)
        .withExposedPorts(POSTGRES_PORT)
        .withCommand(
            "postgres",
            "-c",
            "wal_level=logical",
            "-c",
            "track_commit_timestamp=on",
            "-c",
            "max_connections=200",
            "-c",
            "max_replication_slots=32",
            "-c",
            "max_wal_senders=32",
            "-c",
            "max_prepared_transactions=16",
            "-c",
            "search_path=public")
        // The image starts the server twice: first to make the database, then to serve.
        .waitingFor(Wait.forLogMessage(".*ready to accept connections.*\\s", 2));
  }

  private static GenericContainer<?> kafka(String host, int port) {
    GenericContainer<?> kafka =
        new GenericContainer<>(DockerImageName.parse("apache/kafka:4.3.1"))
            .withEnv(
                Map.ofEntries(
                    Map.entry("KAFKA_NODE_ID", "1"),
                    Map.entry("KAFKA_PROCESS_ROLES", "broker,controller"),
                    Map.entry("KAFKA_LISTENERS", "PLAINTEXT://:9092,CONTROLLER://:9093"),
                    Map.entry("KAFKA_ADVERTISED_LISTENERS", "PLAINTEXT://" + host + ":" + port),
                    Map.entry("KAFKA_CONTROLLER_LISTENER_NAMES", "CONTROLLER"),
                    Map.entry("KAFKA_CONTROLLER_QUORUM_VOTERS", "1@localhost:9093"),
                    Map.entry(
                        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP",
                        "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT"),
                    Map.entry("KAFKA_AUTO_CREATE_TOPICS_ENABLE", "false"),
                    Map.entry("KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR", "1"),
                    Map.entry("KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR", "1"),
                    Map.entry("KAFKA_TRANSACTION_STATE_LOG_MIN_ISR", "1"),
                    Map.entry("KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS", "0"),
                    Map.entry("KAFKA_MESSAGE_MAX_BYTES", "134217728"),
                    Map.entry("KAFKA_REPLICA_FETCH_MAX_BYTES", "134217728"),
                    Map.entry("KAFKA_FETCH_MAX_BYTES", "134217728"),
                    Map.entry("KAFKA_SOCKET_REQUEST_MAX_BYTES", "142606336")))
            .waitingFor(Wait.forLogMessage(".*Kafka Server started.*\\s", 1));
    // A broker tells its clients where it is, so its port is known before it starts.
    kafka.setPortBindings(List.of(port + ":" + KAFKA_PORT));
    return kafka;
  }

  private static int freePort() {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public String url(String database) {
    return "jdbc:postgresql://%s:%d/%s?user=%s&password=%s"
        .formatted(postgres.getHost(), postgres.getMappedPort(POSTGRES_PORT), database, USER, USER);
  }

  @Override
  public String bootstrapServers() {
    return bootstrapServers;
  }
}
