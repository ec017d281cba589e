package io.tidemark.declared;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.tidemark.orchestration.OrchestrationDefinition;
import io.tidemark.orchestration.OrchestrationJson;
import io.tidemark.sync.SyncDefinition;
import io.tidemark.sync.SyncDefinitionJson;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** In what two definitions differ, field by field, as people write them. */
final class DifferenceJson {
  private DifferenceJson() {}

  static List<String> between(SyncDefinition now, SyncDefinition then) {
    return between(SyncDefinitionJson.write(now), SyncDefinitionJson.write(then));
  }

  /** But for their configurations, which are compared by name. */
  static List<String> between(OrchestrationDefinition now, OrchestrationDefinition then) {
    return between(
        OrchestrationJson.write(now.withConfigurations(List.of())),
        OrchestrationJson.write(then.withConfigurations(List.of())));
  }

  private static List<String> between(ObjectNode now, ObjectNode then) {
    List<String> differences = new ArrayList<>();
    for (Map.Entry<String, JsonNode> field : then.properties()) {
      JsonNode before = now.path(field.getKey());
      if (!before.equals(field.getValue())) {
        differences.add(field.getKey() + ": " + before + " to " + field.getValue());
      }
    }
    return differences;
  }
}
