package io.tidemark.web;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.tidemark.declared.DeclaredSyncs;
import io.tidemark.declared.Kind;
import io.tidemark.orchestration.Orchestration;
import io.tidemark.orchestration.OrchestrationJson;
import io.tidemark.orchestration.OrchestrationService.Overview;
import io.tidemark.sync.Page;

/** An orchestration, as it is answered: its definition as stored, and how it is doing. */
final class OrchestrationView {
  private final ObjectMapper json;
  private final DeclaredSyncs declared;

  /**
   * @param json the one that answers are written with, so that times look the same everywhere
   */
  OrchestrationView(ObjectMapper json, DeclaredSyncs declared) {
    this.json = json;
    this.declared = declared;
  }

  ObjectNode of(Overview overview) {
    return of(overview, ManagedBy.now(declared));
  }

  PageView<ObjectNode> of(Page<Overview> page) {
    ManagedBy managed = ManagedBy.now(declared);
    return PageView.of(page, one -> of(one, managed));
  }

  private ObjectNode of(Overview overview, ManagedBy managed) {
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
    view.put("managed_by", managed.of(Kind.ORCHESTRATION, orchestration.definition().name()));
    view.set("created_at", json.valueToTree(orchestration.createdAt()));
    view.set("updated_at", json.valueToTree(orchestration.updatedAt()));
    view.put("version", orchestration.version());
    return view;
  }
}
