package io.tidemark.boot;

import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import io.tidemark.run.SyncEngine;
import io.tidemark.run.SyncOrchestrator;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;

/** Starts the syncs when everything they need is there, and stops them before it goes. */
@Singleton
final class Lifecycle {
  private final SyncEngine engine;

  @Inject
  Lifecycle(SyncEngine engine) {
    this.engine = engine;
  }

  void start(@Observes StartupEvent event) {
    if (engine instanceof SyncOrchestrator orchestrator && Launch.mode() != RunMode.CHECK) {
      orchestrator.start();
    }
  }

  void stop(@Observes ShutdownEvent event) {
    if (engine instanceof SyncOrchestrator orchestrator) {
      orchestrator.close();
    }
  }
}
