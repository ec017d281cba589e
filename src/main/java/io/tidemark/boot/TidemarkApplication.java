package io.tidemark.boot;

import io.quarkus.runtime.Quarkus;
import io.quarkus.runtime.QuarkusApplication;
import io.tidemark.run.SyncService;
import io.tidemark.run.SystemDescription;
import jakarta.enterprise.inject.Instance;
import jakarta.inject.Inject;
import java.sql.SQLException;
import org.eclipse.microprofile.config.inject.ConfigProperty;

/** What runs inside the framework, by the mode that the process was started in. */
public final class TidemarkApplication implements QuarkusApplication {
  private static final int OK = 0;
  private static final int NOT_OK = 1;

  @Inject Instance<Demo> demo;
  @Inject Instance<Check> check;
  @Inject SyncService service;

  @ConfigProperty(name = "quarkus.http.host")
  String host;

  @ConfigProperty(name = "quarkus.http.port")
  int port;

  @Override
  public int run(String... args) throws SQLException {
    return switch (Launch.mode()) {
      case SERVE -> serve();
      case DEMO -> live();
      case DEMO_ONCE -> demo.get().once() ? OK : NOT_OK;
      case CHECK, CHECK_PLAN -> check.get().passes(Launch.mode()) ? OK : NOT_OK;
    };
  }

  private int serve() {
    printAddresses();
    Quarkus.waitForExit();
    return OK;
  }

  private int live() throws SQLException {
    printAddresses();
    Demo running = demo.get();
    Thread shop =
        new Thread(
            () -> {
              try {
                running.live();
              } catch (SQLException | RuntimeException e) {
                System.err.println("tidemark: the demo ended: " + e.getMessage());
                Quarkus.asyncExit(NOT_OK);
              }
            },
            "demo");
    shop.start();
    Quarkus.waitForExit();
    running.stop();
    return OK;
  }

  private void printAddresses() {
    SystemDescription system = service.system();
    System.out.println("Tidemark " + system.version() + " (" + system.mode() + ")");
    System.out.printf("  REST      http://%s:%d/api/v1/sync/sql-sync%n", host, port);
    System.out.println("  store     " + system.storeUrl());
    system.connectionUrls().forEach((name, url) -> System.out.printf("  %-9s %s%n", name, url));
    System.out.println("  Kafka     " + system.kafkaBootstrapServers());
  }
}
