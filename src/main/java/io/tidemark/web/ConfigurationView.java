package io.tidemark.web;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.tidemark.change.WireName;
import io.tidemark.declared.DeclaredSyncs;
import io.tidemark.declared.Kind;
import io.tidemark.run.Overview;
import io.tidemark.sync.Page;
import io.tidemark.sync.SyncConfiguration;
import io.tidemark.sync.SyncDefinitionJson;

/** A configuration, as it is answered: its definition as stored, and how it is doing. */
final class ConfigurationView {
  private final ObjectMapper json;
  private final DeclaredSyncs declared;

  /**
   * @param json the one that answers are written with, so that times look the same everywhere
   */
  ConfigurationView(ObjectMapper json, DeclaredSyncs declared) {
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
    SyncConfiguration configuration = overview.configuration();
    ObjectNode view = json.createObjectNode();
    view.put("id", configuration.id().toString());
    view.setAll(SyncDefinitionJson.write(configuration.definition()));
    view.put("state", WireName.of(configuration.state()));
    view.put("state_reason", configuration.stateReason());
    view.set(
        "last_execution",
        overview.lastExecution() == null
            ? json.nullNode()
            : json.valueToTree(ExecutionView.of(overview.lastExecution())));
    view.set("next_run_at", json.valueToTree(overview.nextRunAt()));
    view.set("lag", lag(overview));
    view.put("rows_parked", overview.rowsParked());
    view.put("conflicts_pending", overview.conflictsPending());
    view.set("detection", detection(configuration));
    view.put("managed_by", managed.of(Kind.CONFIGURATION, configuration.definition().name()));
    view.set("created_at", json.valueToTree(configuration.createdAt()));
    view.set("updated_at", json.valueToTree(configuration.updatedAt()));
    view.put("version", configuration.version());
    if (!overview.warnings().isEmpty()) {
      view.set(
          "warnings", json.valueToTree(overview.warnings().stream().map(FindingView::of).toList()));
    }
    return view;
  }

  private JsonNode detection(SyncConfiguration configuration) {
    return configuration
        .detectionChoice()
        .<JsonNode>map(
            choice ->
                json.createObjectNode()
                    .put("mode", WireName.of(choice.mode()))
                    .put("reason", choice.reason())
                    .put("stronger", choice.stronger()))
        .orElseGet(json::nullNode);
  }

  private JsonNode lag(Overview overview) {
    return overview
        .lag()
        .<JsonNode>map(
            lag ->
                json.createObjectNode()
                    .put("lag_events", lag.events())
                    .put("lag_seconds", lag.seconds()))
        .orElseGet(json::nullNode);
  }
}
