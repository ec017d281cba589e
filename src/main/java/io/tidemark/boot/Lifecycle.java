package io.tidemark.boot;

import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import io.tidemark.orchestration.OrchestrationRunner;
import io.tidemark.orchestration.OrchestrationService;
import io.tidemark.run.SyncEngine;
import io.tidemark.run.SyncOrchestrator;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;

/** Starts the syncs when everything they need is there, and stops them before it goes. */
@Singleton
final class Lifecycle {
  private final SyncEngine engine;
  private final OrchestrationRunner orchestrations;

  @Inject
  Lifecycle(SyncEngine engine, OrchestrationService orchestrations) {
    this.engine = engine;
    this.orchestrations = orchestrations.runner();
  }

  void start(@Observes StartupEvent event) {
    if (engine instanceof SyncOrchestrator orchestrator && Launch.mode() != RunMode.CHECK) {
      orchestrator.start();
      orchestrations.start();
    }
  }

  void stop(@Observes ShutdownEvent event) {
    // First what asks for executions, then what runs them.
    orchestrations.close();
    if (engine instanceof SyncOrchestrator orchestrator) {
      orchestrator.close();
    }
  }
}
