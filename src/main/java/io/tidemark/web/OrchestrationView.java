package io.tidemark.web;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.tidemark.orchestration.Orchestration;
import io.tidemark.orchestration.OrchestrationJson;
import io.tidemark.orchestration.OrchestrationService.Overview;

/** An orchestration, as it is answered: its definition as stored, and how it is doing. */
final class OrchestrationView {
  private final ObjectMapper json;

  /**
   * @param json the one that answers are written with, so that times look the same everywhere
   */
  OrchestrationView(ObjectMapper json) {
    this.json = json;
  }

  ObjectNode of(Overview overview) {
    Orchestration orchestration = overview.orchestration();
    ObjectNode view = json.createObjectNode();
    view.put("id", orchestration.id().toString());
    view.setAll(OrchestrationJson.write(orchestration.definition()));
    view.set(
        "last_execution",
        overview.last() == null
            ? json.nullNode()
            : json.valueToTree(OrchestrationExecutionView.of(overview.last())));
    view.set("next_run_at", json.valueToTree(overview.nextRunAt()));
    view.set("created_at", json.valueToTree(orchestration.createdAt()));
    view.set("updated_at", json.valueToTree(orchestration.updatedAt()));
    view.put("version", orchestration.version());
    return view;
  }
}
