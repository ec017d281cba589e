package io.tidemark.process;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.TestStack;
import io.tidemark.postgres.PgDatabase;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;

/** pgbench's tables at scale 10 and its four clients for a minute, everything in one process. */
@Tag("soak")
@Tag("process")
final class PgbenchSoakIT {
  private static final TpcbTables SCALE_10 = new TpcbTables(10, 100, 1_000_000);
  private static final int CLIENTS = 4;
  private static final Duration LOAD = Duration.ofMinutes(1);
  private static final int KILLS = 5;

  /** A second or two as a rule; a stream that cannot follow falls behind without end. */
  private static final double LAG_SECONDS_MAX = 10;

  @Test
  void theTargetIsNeverMoreThanAFewSecondsBehind(TestInfo test) throws Exception {
    try (TidemarkProcess tidemark = new TidemarkProcess(directory(test))) {
      PgDatabase source = start(tidemark);
      long end = System.nanoTime() + LOAD.toNanos();
      double lagMax = 0;
      try (TpcbLoad load =
          new TpcbLoad(source, SCALE_10, CLIENTS, new AtomicLong(), seed(), Duration.ZERO)) {
        while (System.nanoTime() < end) {
          load.untilMore(200);
          lagMax = Math.max(lagMax, secondsBehind(tidemark.database("target")));
        }
        System.out.printf(
            "%d transactions/s, at most %.2f s behind%n",
            load.acknowledged() / LOAD.toSeconds(), lagMax);
      }

      assertThat(lagMax).isLessThan(LAG_SECONDS_MAX);
      audit(tidemark, source);
    }
  }

  @Test
  void losesAndDoublesNothingWhenKilledFiveTimesUnderLoad(TestInfo test) throws Exception {
    long seed = seed();
    SplittableRandom random = new SplittableRandom(seed);
    try (TidemarkProcess tidemark = new TidemarkProcess(directory(test))) {
      PgDatabase source = start(tidemark);
      long end = System.nanoTime() + LOAD.toNanos();
      try (TpcbLoad load =
          new TpcbLoad(source, SCALE_10, CLIENTS, new AtomicLong(), seed, Duration.ZERO)) {
        for (int kill = 0; kill < KILLS; kill++) {
          load.untilMore(random.nextInt(6000));
          tidemark.kill();
          tidemark.serve();
        }
        while (System.nanoTime() < end) {
          load.untilMore(200);
        }
        load.assertKeptBySource();
      }

      audit(tidemark, source);
    }
  }

  private static Path directory(TestInfo test) {
    String name = test.getTestMethod().orElseThrow().getName();
    return Path.of("target", "it", name + "-" + ProcessHandle.current().pid());
  }

  private static long seed() {
    long seed = System.nanoTime();
    System.out.println("seed " + seed);
    return seed;
  }

  /** Serves, with all four tables streaming; answers the source. */
  private static PgDatabase start(TidemarkProcess tidemark) throws IOException {
    tidemark.serve();
    PgDatabase source = tidemark.database("source");
    SCALE_10.create(tidemark, source, tidemark.database("target"));
    TpcbTables.awaitStreaming(tidemark);
    return source;
  }

  /** Age of the newest transaction that the target shows, under a load that never pauses. */
  private static double secondsBehind(PgDatabase target) {
    return Double.parseDouble(
        TestStack.text(
            target,
            """
            select coalesce(extract(epoch from localtimestamp - max(mtime)), 0)
            from (select mtime from pgbench_history order by id desc limit 10) newest
            """));
  }

  /** The load has ended: source and target are equal, and the topics hold each change once. */
  private static void audit(TidemarkProcess tidemark, PgDatabase source) throws Exception {
    TpcbTables.awaitEqual(source, tidemark.database("target"));
    try (TpcbAudit audit = new TpcbAudit(tidemark.bootstrapServers(), source)) {
      audit.assertEachChangeOnce();
    }
    assertThat(tidemark.ready().statusCode()).isEqualTo(200);
  }
}
