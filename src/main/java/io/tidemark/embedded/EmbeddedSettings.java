package io.tidemark.embedded;

import java.nio.file.Path;

/**
 * Where the embedded servers keep their data and listen.
 *
 * @param dataDir directory of everything the servers write; made absolute, created at start
 * @param postgresPort TCP port on 127.0.0.1, or 0 for any free one, kept across restarts
 * @param kafkaPort TCP port on 127.0.0.1, or 0 for any free one, kept across restarts
 */
public record EmbeddedSettings(Path dataDir, int postgresPort, int kafkaPort) {

  static final String DATA_DIR_KEY = "tidemark.data-dir";
  static final String POSTGRES_PORT_KEY = "tidemark.embedded.postgres-port";
  static final String KAFKA_PORT_KEY = "tidemark.embedded.kafka-port";

  private static final int PORT_MAX = 65_535;

  public EmbeddedSettings {
    dataDir = dataDir.toAbsolutePath().normalize();
    requirePort(POSTGRES_PORT_KEY, postgresPort);
    requirePort(KAFKA_PORT_KEY, kafkaPort);
    if (postgresPort != 0 && postgresPort == kafkaPort) {
      throw new IllegalArgumentException(
          POSTGRES_PORT_KEY + " and " + KAFKA_PORT_KEY + " are both " + kafkaPort);
    }
  }

  private static void requirePort(String key, int port) {
    if (port < 0 || port > PORT_MAX) {
      throw new IllegalArgumentException(key + " must be 0 to " + PORT_MAX + ", not " + port);
    }
  }
}
