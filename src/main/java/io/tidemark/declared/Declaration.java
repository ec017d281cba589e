package io.tidemark.declared;

import io.tidemark.sync.ConnectionDefinition;
import io.tidemark.sync.SyncDefinition;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What a sync file declares, in its order. Names are unique in each list.
 *
 * @param connections their passwords as they are used, not as the file refers to them
 */
public record Declaration(
    List<ConnectionDefinition> connections,
    List<SyncDefinition> configurations,
    List<DeclaredOrchestration> orchestrations) {
  public Declaration {
    connections = List.copyOf(connections);
    configurations = List.copyOf(configurations);
    orchestrations = List.copyOf(orchestrations);
  }

  /** The configuration of this name. */
  public Optional<SyncDefinition> configuration(String name) {
    return configurations.stream().filter(one -> one.name().equals(name)).findFirst();
  }

  Optional<ConnectionDefinition> connection(String name) {
    return connections.stream().filter(one -> one.name().equals(name)).findFirst();
  }

  Optional<DeclaredOrchestration> orchestration(String name) {
    return orchestrations.stream().filter(one -> one.name().equals(name)).findFirst();
  }

  /** Everything that it names. */
  Set<Declared> names() {
    return Stream.of(
            connections.stream().map(one -> new Declared(Kind.CONNECTION, one.name())),
            configurations.stream().map(one -> new Declared(Kind.CONFIGURATION, one.name())),
            orchestrations.stream().map(one -> new Declared(Kind.ORCHESTRATION, one.name())))
        .flatMap(some -> some)
        .collect(Collectors.toSet());
  }
}
