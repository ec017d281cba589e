package io.tidemark.boot;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.tidemark.run.Execution;
import io.tidemark.run.ExecutionStatus;
import io.tidemark.run.ExecutionTrigger;
import io.tidemark.run.StreamView;
import io.tidemark.run.SyncOrchestrator;
import io.tidemark.run.SyncService;
import io.tidemark.sync.ConnectionRegistry;
import io.tidemark.sync.JdbcSyncConfigurations;
import io.tidemark.sync.Refusal;
import io.tidemark.sync.SyncConfiguration;
import io.tidemark.sync.SyncDefinitionJson;
import io.tidemark.sync.SyncState;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.io.PrintStream;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/** The demo: a sample shop kept in step, live until stopped, or once with a verdict. */
@Singleton
final class Demo {
  /** Transactions of the bounded demo. */
  private static final int TRADES_ONCE = 3000;

  /** The live shop's pause between transactions. */
  private static final Duration TRADE_EVERY = Duration.ofMillis(20);

  /** Once in so many transactions somebody writes a customer at the target too. */
  private static final int TRADES_PER_QUARREL = 100;

  /** A step of the bounded demo that takes longer has failed. */
  private static final Duration STEP_MAX = Duration.ofMinutes(3);

  private static final Duration LOOK_EVERY = Duration.ofMillis(100);

  /** The same trades every time. */
  private static final long SEED = 20260101;

  private static final List<String> CONFIGURATIONS =
      List.of(
          """
          {"name": "customers_sync", "source_table": "shop.customers",
           "target_table": "shop.customers", "sync_strategy": "merge",
           "conflict_resolution": "source_wins"}
          """,
          """
          {"name": "orders_sync", "source_table": "shop.orders",
           "target_table": "shop.orders", "sync_strategy": "incremental"}
          """,
          """
          {"name": "products_sync", "source_table": "shop.products",
           "target_table": "shop.products", "sync_strategy": "full",
           "sync_interval_seconds": 30}
          """);

  private final SyncService service;
  private final SyncOrchestrator engine;
  private final JdbcSyncConfigurations configurations;
  private final DemoShop shop;
  private final PrintStream out = System.out;
  private final CountDownLatch stopping = new CountDownLatch(1);

  @Inject
  Demo(
      SyncService service,
      SyncOrchestrator engine,
      JdbcSyncConfigurations configurations,
      ConnectionRegistry connections) {
    this.service = service;
    this.engine = engine;
    this.configurations = configurations;
    shop =
        new DemoShop(
            connections.find("source").orElseThrow(),
            connections.find("target").orElseThrow(),
            new SplittableRandom(SEED));
  }

  /** Trades and shows how the syncs do until {@link #stop}. */
  void live() throws SQLException {
    shop.open();
    configure();
    Thread counter = new Thread(this::tradeUntilStopped, "demo counter");
    counter.start();
    StatusLine status = new StatusLine(out);
    while (!isStopping(Duration.ofSeconds(1))) {
      status.show(engine.streams(), engine.problems());
    }
  }

  void stop() {
    stopping.countDown();
  }

  private void tradeUntilStopped() {
    while (!isStopping(Duration.ofSeconds(1))) {
      try (Connection counter = shop.counter();
          Connection clerk = shop.clerk()) {
        for (int i = 1; !isStopping(TRADE_EVERY); i++) {
          trade(counter, clerk, i);
        }
      } catch (SQLException e) {
        out.println("The shop cannot reach its database, and tries again: " + e.getMessage());
      }
    }
  }

  private void trade(Connection counter, Connection clerk, int number) throws SQLException {
    if (number % TRADES_PER_QUARREL == 0) {
      shop.quarrel(counter, clerk);
    } else {
      shop.trade(counter);
    }
  }

  private boolean isStopping(Duration within) {
    try {
      return stopping.await(within.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return true;
    }
  }

  /**
   * Loads, changes, syncs and compares.
   *
   * @return whether source and target are equal by content
   */
  boolean once() throws SQLException {
    Instant started = Instant.now();
    shop.open();
    List<SyncConfiguration> syncs = configure();
    await("the first copies", () -> syncs.stream().allMatch(this::isReady));
    say("In step for the first time after %s.", since(started));

    Instant trading = Instant.now();
    try (Connection counter = shop.counter();
        Connection clerk = shop.clerk()) {
      for (int i = 1; i <= TRADES_ONCE; i++) {
        trade(counter, clerk, i);
      }
    }
    say("%d transactions at the source in %s.", TRADES_ONCE, since(trading));

    Instant syncing = Instant.now();
    List<UUID> executions = new ArrayList<>();
    for (SyncConfiguration sync : syncs) {
      await(sync.definition().name() + " to be free", () -> execute(sync, executions));
    }
    await("the syncs", () -> executions.stream().allMatch(this::isFinal));
    say("All of them at the target %s later.", since(syncing));
    return verdict(executions);
  }

  /** Asks for an execution; false while another one of the configuration has not ended. */
  private boolean execute(SyncConfiguration sync, List<UUID> executions) {
    Optional<Execution> taken =
        service
            .execute(sync.id(), null, ExecutionTrigger.MANUAL)
            .map(Optional::of)
            .orElseGet(
                refusal -> {
                  if (refusal.executionId() == null) {
                    throw new IllegalStateException(refusal.detail());
                  }
                  return Optional.empty();
                });
    taken.ifPresent(execution -> executions.add(execution.id()));
    return taken.isPresent();
  }

  private boolean verdict(List<UUID> executions) throws SQLException {
    boolean completed =
        executions.stream().allMatch(id -> execution(id).status() == ExecutionStatus.COMPLETED);
    for (UUID id : executions) {
      execution(id)
          .failure()
          .ifPresent(error -> say("Execution %s failed: %s", id, error.message()));
    }
    Map<String, DemoShop.Comparison> comparisons = shop.compare();
    out.println();
    out.printf("%-16s %12s %12s   %s%n", "table", "source rows", "target rows", "content");
    comparisons.forEach(
        (table, one) ->
            out.printf(
                "%-16s %12d %12d   %s%n",
                "shop." + table,
                one.sourceRows(),
                one.targetRows(),
                one.equal() ? "equal" : "DIFFERENT"));
    boolean equal = comparisons.values().stream().allMatch(DemoShop.Comparison::equal);
    out.println();
    say("%d conflicts, all decided for the source: GET /conflicts has them.", conflicts());
    out.println(equal && completed ? "source = target" : "source and target DIFFER");
    return equal && completed;
  }

  private long conflicts() {
    return engine.streams().stream()
        .mapToLong(stream -> stream.progress().rows().conflictsDetected())
        .sum();
  }

  private List<SyncConfiguration> configure() {
    List<SyncConfiguration> all = new ArrayList<>();
    for (String json : CONFIGURATIONS) {
      all.add(configure(json));
    }
    return all;
  }

  private SyncConfiguration configure(String json) {
    try {
      ObjectNode object = (ObjectNode) new ObjectMapper().readTree(json);
      String name = object.get("name").textValue();
      Optional<SyncConfiguration> known = configurations.findByName(name);
      return known.isPresent()
          ? known.get()
          : SyncDefinitionJson.read(object)
              .then(service::create)
              .orElseThrow(Demo::refused)
              .configuration();
    } catch (com.fasterxml.jackson.core.JsonProcessingException e) {
      throw new IllegalStateException("the demo's own configuration is not JSON", e);
    }
  }

  private static IllegalStateException refused(Refusal refusal) {
    return new IllegalStateException("The demo's configuration was refused: " + refusal.detail());
  }

  private boolean isReady(SyncConfiguration sync) {
    return service
        .find(sync.id())
        .map(
            now ->
                now.configuration().state() == SyncState.STREAMING
                    || now.lastExecution() != null
                        && now.lastExecution().status() == ExecutionStatus.COMPLETED
                        && !sync.definition().isContinuous())
        .orElseThrow(Demo::refused);
  }

  private boolean isFinal(UUID id) {
    return execution(id).status().isFinal();
  }

  private Execution execution(UUID id) {
    return service.execution(id).orElseThrow(Demo::refused);
  }

  private void await(String what, BooleanSupplier condition) {
    Instant until = Instant.now().plus(STEP_MAX);
    while (!condition.getAsBoolean()) {
      if (Instant.now().isAfter(until)) {
        throw new IllegalStateException(
            "Waited " + STEP_MAX.toMinutes() + " minutes for " + what + ": " + engine.problems());
      }
      if (isStopping(LOOK_EVERY)) {
        throw new IllegalStateException("Stopped while waiting for " + what);
      }
    }
  }

  private void say(String format, Object... arguments) {
    out.printf(format + "%n", arguments);
  }

  private static String since(Instant start) {
    return "%.1f s".formatted(Duration.between(start, Instant.now()).toMillis() / 1e3);
  }

  /** What a stream has applied in all, for the status line. */
  static long applied(List<StreamView> streams) {
    return streams.stream().mapToLong(stream -> stream.progress().changesRead()).sum();
  }
}
