package io.tidemark.boot;

import io.tidemark.declared.SyncFileLoop;
import io.tidemark.orchestration.OrchestrationRunner;
import io.tidemark.orchestration.OrchestrationService;
import io.tidemark.run.SyncEngine;
import io.tidemark.run.SyncOrchestrator;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.HealthCheckResponseBuilder;
import org.eclipse.microprofile.health.Readiness;

/**
 * Red when progress stops, with the reason and the remedy; not merely when the process dies. What
 * needs a person while everything flows is told without turning red.
 */
@Readiness
@Singleton
final class SyncHealth implements HealthCheck {
  private final SyncEngine engine;
  private final OrchestrationRunner orchestrations;
  private final Optional<SyncFileLoop> syncFile;

  @Inject
  SyncHealth(
      SyncEngine engine, OrchestrationService orchestrations, Optional<SyncFileLoop> syncFile) {
    this.engine = engine;
    this.orchestrations = orchestrations.runner();
    this.syncFile = syncFile;
  }

  @Override
  public HealthCheckResponse call() {
    List<String> problems = new ArrayList<>();
    List<String> warnings = List.of();
    if (engine instanceof SyncOrchestrator orchestrator) {
      problems.addAll(orchestrator.problems());
      warnings = orchestrator.warnings();
    }
    orchestrations.trouble().ifPresent(problems::add);
    syncFile.ifPresent(
        loop ->
            loop.status()
                .problems()
                .forEach(one -> problems.add("sync file " + loop.status().path() + ": " + one)));
    Launch.stack()
        .ifPresent(
            stack -> {
              stack
                  .postgres()
                  .flatMap(postgres -> postgres.failure())
                  .ifPresent(failure -> problems.add("embedded PostgreSQL: " + failure));
              stack
                  .kafka()
                  .flatMap(kafka -> kafka.failure())
                  .ifPresent(failure -> problems.add("embedded Kafka: " + failure));
            });
    HealthCheckResponseBuilder response =
        HealthCheckResponse.named("syncs").status(problems.isEmpty());
    number(response, "problem", problems);
    number(response, "warning", warnings);
    return response.build();
  }

  private static void number(HealthCheckResponseBuilder response, String name, List<String> said) {
    for (int i = 0; i < said.size(); i++) {
      response.withData(name + "_" + (i + 1), said.get(i));
    }
  }
}
