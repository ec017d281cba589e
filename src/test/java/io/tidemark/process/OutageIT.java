package io.tidemark.process;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.embedded.EmbeddedStack.Part;
import io.tidemark.postgres.PgDatabase;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * The servers that Tidemark relies on go away one at a time, with load on the source, and come
 * back: health says which is missing, and the sync recovers without anybody's help.
 */
@Tag("process")
final class OutageIT {
  private static final Duration SHORT = Duration.ofSeconds(10);
  private static final Duration LONG = Duration.ofMinutes(1);

  /** The contract's bound for health to tell; asserted in the soak profile alone. */
  private static final Duration RED_MAX = Duration.ofSeconds(30);

  /** The bound for a sync to recover by itself; asserted in the soak profile alone. */
  private static final Duration RECOVERY_MAX = Duration.ofMinutes(1);

  private static final int CLIENTS = 2;

  /** The outage is what is tested, and not how much the machine can take meanwhile. */
  private static final Duration PACE = Duration.ofMillis(5);

  private static final TpcbTables TABLES = new TpcbTables(4, 40, 10_000);
  private static final AtomicLong IDS = new AtomicLong();

  private static ExternalServer source;
  private static ExternalServer target;
  private static ExternalServer broker;
  private static TidemarkProcess tidemark;

  @BeforeAll
  static void start() throws IOException {
    Path directory = Path.of("target", "it", "outage-" + ProcessHandle.current().pid());
    CompletableFuture<ExternalServer> first =
        ExternalServer.start(directory.resolve("source"), Part.POSTGRES);
    CompletableFuture<ExternalServer> second =
        ExternalServer.start(directory.resolve("target"), Part.POSTGRES);
    broker = ExternalServer.start(directory.resolve("broker"), Part.KAFKA).join();
    source = first.join();
    target = second.join();
    tidemark =
        new TidemarkProcess(
            directory.resolve("tidemark"),
            Map.of(
                "tidemark.connections.source.url", sourceDatabase().url(),
                "tidemark.connections.target.url", targetDatabase().url(),
                "kafka.bootstrap.servers", broker.bootstrapServers()));
    tidemark.serve();
    TABLES.create(tidemark, sourceDatabase(), targetDatabase());
  }

  @AfterAll
  static void stop() throws IOException {
    // Tidemark before the servers that it uses.
    tidemark.close();
    broker.close();
    target.close();
    source.close();
  }

  private static PgDatabase sourceDatabase() {
    return source.database("source");
  }

  private static PgDatabase targetDatabase() {
    return target.database("target");
  }

  @Test
  void recoversAloneWhenTheSourceWasAway() throws Exception {
    outage(source, SHORT, Told.SOURCE);
  }

  @Test
  void recoversAloneWhenTheTargetWasAway() throws Exception {
    outage(target, SHORT, Told.TARGET);
  }

  @Test
  void recoversAloneWhenTheBrokerWasAway() throws Exception {
    outage(broker, SHORT, Told.BROKER);
  }

  @Test
  @Tag("soak")
  void recoversAloneWhenTheSourceWasAwayForAMinute() throws Exception {
    outage(source, LONG, Told.SOURCE);
  }

  @Test
  @Tag("soak")
  void recoversAloneWhenTheTargetWasAwayForAMinute() throws Exception {
    outage(target, LONG, Told.TARGET);
  }

  @Test
  @Tag("soak")
  void recoversAloneWhenTheBrokerWasAwayForAMinute() throws Exception {
    outage(broker, LONG, Told.BROKER);
  }

  private static void outage(ExternalServer server, Duration length, Told told) throws Exception {
    TpcbTables.awaitStreaming(tidemark);
    TpcbTables.awaitEqual(sourceDatabase(), targetDatabase());
    Told.awaitReady(tidemark);
    long seed = System.nanoTime();
    System.out.println("seed " + seed);

    try (TpcbLoad load = new TpcbLoad(sourceDatabase(), TABLES, CLIENTS, IDS, seed, PACE)) {
      load.untilMore(200);
      long stopped = System.nanoTime();
      server.stop();
      try {
        told.awaitRed(tidemark);
        double red = secondsSince(stopped);
        System.out.printf("red after %.1f s%n", red);
        told.staysRed(tidemark, length);
        assertThat(lagSeconds()).isGreaterThan(length.toSeconds() / 2.0);
        if (length.equals(LONG)) {
          assertThat(red).isLessThan(RED_MAX.toSeconds());
        }
      } finally {
        server.startAgain();
      }
      long back = System.nanoTime();
      Told.awaitReady(tidemark);
      double green = secondsSince(back);
      System.out.printf("green %.1f s after its return%n", green);
      if (length.equals(LONG)) {
        assertThat(green).isLessThan(RECOVERY_MAX.toSeconds());
      }
      load.untilMore(200);
      load.assertKeptBySource();
    }

    TpcbTables.awaitEqual(sourceDatabase(), targetDatabase());
    try (TpcbAudit audit = new TpcbAudit(broker.bootstrapServers(), sourceDatabase())) {
      audit.assertEachChangeOnce();
    }
  }

  private static double secondsSince(long nanos) {
    return (System.nanoTime() - nanos) / 1e9;
  }

  /** As a user sees it. */
  private static double lagSeconds() throws IOException {
    String answer = tidemark.get("/configurations?name=" + TpcbTables.HISTORY).body();
    Matcher lag = Pattern.compile("\"lag_seconds\":([0-9.E-]+)").matcher(answer);
    assertThat(lag.find()).as(answer).isTrue();
    return Double.parseDouble(lag.group(1));
  }
}
