package io.tidemark.boot;

import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import io.tidemark.declared.SyncFileLoop;
import io.tidemark.orchestration.OrchestrationRunner;
import io.tidemark.orchestration.OrchestrationService;
import io.tidemark.run.SyncEngine;
import io.tidemark.run.SyncOrchestrator;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.Optional;

/** Starts the syncs when everything they need is there, and stops them before it goes. */
@Singleton
final class Lifecycle {
  private final SyncEngine engine;
  private final OrchestrationRunner orchestrations;
  private final Optional<SyncFileLoop> syncFile;

  @Inject
  Lifecycle(
      SyncEngine engine, OrchestrationService orchestrations, Optional<SyncFileLoop> syncFile) {
    this.engine = engine;
    this.orchestrations = orchestrations.runner();
    this.syncFile = syncFile;
  }

  void start(@Observes StartupEvent event) {
    if (engine instanceof SyncOrchestrator orchestrator && !Launch.mode().isCheck()) {
      orchestrator.start();
      orchestrations.start();
      syncFile.ifPresent(SyncFileLoop::start);
    }
  }

  void stop(@Observes ShutdownEvent event) {
    // First what asks for work, then what does it.
    syncFile.ifPresent(SyncFileLoop::close);
    orchestrations.close();
    if (engine instanceof SyncOrchestrator orchestrator) {
      orchestrator.close();
    }
  }
}
