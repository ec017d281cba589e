package io.tidemark.process;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.Await;
import io.tidemark.TcpProxy;
import io.tidemark.TestStack;
import io.tidemark.embedded.EmbeddedStack.Part;
import io.tidemark.embedded.ProxiedBroker;
import io.tidemark.postgres.PgDatabase;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The way to one of the servers lets nothing through, forgets its connections, or resets them, with
 * load on the source: health says which one it is, and the sync recovers without anybody's help.
 */
@Tag("process")
final class UnresponsiveServersIT {
  private static final Duration SHORT = Duration.ofSeconds(5);
  private static final Duration LONG = Duration.ofMinutes(1);

  /** The contract's bound for health to tell; asserted in the soak profile alone. */
  private static final Duration RED_MAX = Duration.ofSeconds(30);

  /** The bound for a sync to recover by itself; asserted in the soak profile alone. */
  private static final Duration RECOVERY_MAX = Duration.ofSeconds(15);

  /** What pools keep for a while. */
  private static final int SPARE_THREADS = 8;

  private static final int SPARE_SESSIONS = 4;

  private static final Pattern THREADS = Pattern.compile("jvm_threads_live_threads\\S* ([0-9.]+)");

  private static final String SESSIONS =
      "select count(*) from pg_stat_activity where application_name like 'tidemark %'";

  private static final int CLIENTS = 2;
  private static final Duration PACE = Duration.ofMillis(5);
  private static final TpcbTables TABLES = new TpcbTables(4, 40, 10_000);
  private static final AtomicLong IDS = new AtomicLong();

  private enum Server {
    SOURCE(Told.SOURCE),
    TARGET(Told.TARGET),
    STORE(Told.STORE),
    BROKER(Told.BROKER);

    private final Told told;

    Server(Told told) {
      this.told = told;
    }
  }

  private enum Fault {
    HANGS,
    FORGETS,
    RESETS
  }

  private static ExternalServer source;
  private static ExternalServer target;
  private static ExternalServer store;
  private static ProxiedBroker broker;
  private static Map<Server, TcpProxy> proxies;
  private static TidemarkProcess tidemark;

  @BeforeAll
  static void start() throws IOException {
    Path directory = Path.of("target", "it", "unresponsive-" + ProcessHandle.current().pid());
    List<CompletableFuture<ExternalServer>> starting =
        Stream.of("source", "target", "store")
            .map(name -> ExternalServer.start(directory.resolve(name), Part.POSTGRES))
            .toList();
    broker = ProxiedBroker.start(directory.resolve("broker"));
    source = starting.get(0).join();
    target = starting.get(1).join();
    store = starting.get(2).join();
    proxies =
        Map.of(
            Server.SOURCE, TcpProxy.to(source.database("source")),
            Server.TARGET, TcpProxy.to(target.database("target")),
            Server.STORE, TcpProxy.to(store.database("store")),
            Server.BROKER, broker.proxy());
    tidemark =
        new TidemarkProcess(
            directory.resolve("tidemark"),
            Map.of(
                "tidemark.connections.source.url", throughProxy(Server.SOURCE, source),
                "tidemark.connections.target.url", throughProxy(Server.TARGET, target),
                "tidemark.store.url", throughProxy(Server.STORE, store),
                "kafka.bootstrap.servers", broker.bootstrapServers()));
    tidemark.serve();
    TABLES.create(tidemark, source.database("source"), target.database("target"));
  }

  private static String throughProxy(Server server, ExternalServer external) {
    return proxies.get(server).through(external.database("any")).url();
  }

  @AfterAll
  static void stop() throws IOException {
    // Tidemark before the servers that it uses.
    tidemark.close();
    proxies.values().forEach(TcpProxy::close);
    broker.close();
    store.close();
    target.close();
    source.close();
  }

  @Test
  void theStoreHangs() throws Exception {
    outage(Server.STORE, Fault.HANGS, SHORT);
  }

  @Test
  void theStoreForgetsItsConnections() throws Exception {
    outage(Server.STORE, Fault.FORGETS, SHORT);
  }

  static Stream<Arguments> outages() {
    return Arrays.stream(Server.values())
        .flatMap(server -> Arrays.stream(Fault.values()).map(fault -> Arguments.of(server, fault)));
  }

  @ParameterizedTest
  @MethodSource("outages")
  @Tag("soak")
  void aMinuteLong(Server server, Fault fault) throws Exception {
    outage(server, fault, LONG);
  }

  private static void outage(Server server, Fault fault, Duration length) throws Exception {
    TpcbTables.awaitStreaming(tidemark);
    TpcbTables.awaitEqual(sourceDatabase(), targetDatabase());
    Told.awaitReady(tidemark);
    long sessions = sessions();
    long threads = threads();
    long seed = System.nanoTime();
    System.out.printf("%s %s, seed %d%n", server, fault, seed);

    try (TpcbLoad load = new TpcbLoad(sourceDatabase(), TABLES, CLIENTS, IDS, seed, PACE)) {
      load.untilMore(200);
      TcpProxy proxy = proxies.get(server);
      long end = System.nanoTime();
      switch (fault) {
        case HANGS -> {
          proxy.hang();
          try {
            server.told.awaitRed(tidemark);
            double red = secondsSince(end);
            System.out.printf("red after %.1f s%n", red);
            server.told.staysRed(tidemark, length);
            assertInTime(red, RED_MAX, length);
          } finally {
            proxy.resume();
          }
          end = System.nanoTime();
        }
        case FORGETS -> proxy.forgetConnections();
        case RESETS -> proxy.reset();
      }
      awaitFlow(end);
      Told.awaitReady(tidemark);
      double recovered = secondsSince(end);
      System.out.printf("recovered after %.1f s%n", recovered);
      assertInTime(recovered, fault == Fault.FORGETS ? RED_MAX : RECOVERY_MAX, length);
      load.untilMore(200);
      load.assertKeptBySource();
    }

    TpcbTables.awaitEqual(sourceDatabase(), targetDatabase());
    try (TpcbAudit audit = new TpcbAudit(broker.bootstrapServers(), sourceDatabase())) {
      audit.assertEachChangeOnce();
    }
    Await.until(UnresponsiveServersIT::sessions, now -> now <= sessions + SPARE_SESSIONS);
    Await.until(UnresponsiveServersIT::threads, now -> now <= threads + SPARE_THREADS);
  }

  private static void assertInTime(double seconds, Duration bound, Duration length) {
    if (length.equals(LONG)) {
      assertThat(seconds).isLessThan(bound.toSeconds());
    }
  }

  /** Waits until the target has all that the source had now, and the store knows. */
  private static void awaitFlow(long since) {
    String newest = "select coalesce(max(id), 0) from " + TpcbTables.HISTORY;
    long goal = Long.parseLong(TestStack.text(sourceDatabase(), newest));
    Await.until(() -> Long.parseLong(TestStack.text(targetDatabase(), newest)), now -> now >= goal);
    System.out.printf("flows after %.1f s%n", secondsSince(since));
    Await.until(() -> tidemark.get("/configurations").statusCode(), status -> status == 200);
  }

  private static PgDatabase sourceDatabase() {
    return source.database("source");
  }

  private static PgDatabase targetDatabase() {
    return target.database("target");
  }

  private static double secondsSince(long nanos) {
    return (System.nanoTime() - nanos) / 1e9;
  }

  /** Of Tidemark, at the three databases. */
  private static long sessions() {
    return Stream.of(sourceDatabase(), targetDatabase(), store.database("store"))
        .mapToLong(database -> Long.parseLong(TestStack.text(database, SESSIONS)))
        .sum();
  }

  private static long threads() throws IOException {
    String metrics = tidemark.metrics();
    Matcher threads = THREADS.matcher(metrics);
    assertThat(threads.find()).as(metrics).isTrue();
    return Math.round(Double.parseDouble(threads.group(1)));
  }
}
