package io.tidemark.run;

import java.util.Map;

/**
 * This process and what it relies on. The URLs are complete for the embedded stack, and without
 * user and password for databases of others.
 *
 * @param mode {@code embedded} if any part of the embedded stack runs here, else {@code external}
 * @param storeUrl JDBC URL of the metadata database
 * @param kafkaBootstrapServers as Kafka clients take them
 * @param connectionUrls JDBC URL by connection name
 */
public record SystemDescription(
    String version,
    String mode,
    String storeUrl,
    String kafkaBootstrapServers,
    Map<String, String> connectionUrls) {
  public SystemDescription {
    connectionUrls = Map.copyOf(connectionUrls);
  }
}
