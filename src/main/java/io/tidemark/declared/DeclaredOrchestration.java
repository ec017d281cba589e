package io.tidemark.declared;

import io.tidemark.orchestration.OrchestrationDefinition;
import java.util.List;
import java.util.UUID;
import java.util.function.Function;

/**
 * An orchestration that names its configurations, whose ids a file cannot know.
 *
 * @param definition with no configurations yet
 * @param configurations their names, different ones, in order
 */
public record DeclaredOrchestration(
    OrchestrationDefinition definition, List<String> configurations) {
  public DeclaredOrchestration {
    configurations = List.copyOf(configurations);
  }

  String name() {
    return definition.name();
  }

  OrchestrationDefinition with(Function<String, UUID> idOf) {
    return definition.withConfigurations(configurations.stream().map(idOf).toList());
  }
}
