package io.tidemark.declared;

import io.tidemark.orchestration.Orchestration;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.sync.SyncConfiguration;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;

/**
 * What is there already, by name.
 *
 * @param owned what came from the file
 */
record Present(
    Map<String, PgDatabase> connections,
    Map<String, SyncConfiguration> configurations,
    Map<String, Orchestration> orchestrations,
    Set<Declared> owned) {
  Present {
    connections = Map.copyOf(connections);
    configurations = Map.copyOf(configurations);
    orchestrations = Map.copyOf(orchestrations);
    owned = Set.copyOf(owned);
  }

  boolean has(Declared one) {
    return switch (one.kind()) {
      case CONNECTION -> connections.containsKey(one.name());
      case CONFIGURATION -> configurations.containsKey(one.name());
      case ORCHESTRATION -> orchestrations.containsKey(one.name());
    };
  }

  Optional<String> nameOf(UUID configuration) {
    return configurations.values().stream()
        .filter(one -> one.id().equals(configuration))
        .map(one -> one.definition().name())
        .findFirst();
  }
}
