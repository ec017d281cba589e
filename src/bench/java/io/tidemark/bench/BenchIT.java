package io.tidemark.bench;

import io.tidemark.TestStack;
import io.tidemark.bench.Contest.Contender;
import io.tidemark.bench.Orders.Mix;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Measures the packaged program beside its peers: {@code ./mvnw verify -Pbench}.
 *
 * <p>Settings: {@code bench.cases} (names, with commas; all of them), {@code bench.rounds}, {@code
 * bench.rows} of copied tables, {@code bench.large-rows} of {@code copy-large} and of the large
 * table of {@code growth}, {@code bench.changes} of a backlog, {@code bench.heap} of the program
 * (as {@code -Xmx} has it).
 */
@Tag("bench")
final class BenchIT {
  private static final int ROUNDS = Integer.getInteger("bench.rounds", 3);
  private static final int ROWS = Integer.getInteger("bench.rows", 1_000_000);
  private static final int CHANGES = Integer.getInteger("bench.changes", 200_000);
  private static final Set<String> CASES =
      Set.of(
          System.getProperty(
                  "bench.cases",
                  "copy,copy-narrow,copy-large,backlog,backlog-single,backlog-one,backlog-inserts,"
                      + "backlog-updates,backlog-10-tables,backlog-50-tables,growth,width,"
                      + "stages,sessions,instances,detection,latency-100,latency-500,"
                      + "latency-1000,latency-500-unflushed,verify,idle,"
                      + "idle-50-tables")
              .split(","));
  private static final long LARGE_ROWS = Long.getLong("bench.large-rows", 10_000_000);
  private static final Path RESULTS = Path.of("target", "bench");

  /** Rounds that nobody counts, so that no contender is measured cold. */
  private static final int WARM_ROUNDS = 2;

  /** Likewise, for contenders that have done much the same before. */
  private static final int MORE_WARM_ROUNDS = 1;

  @Test
  void measures() throws Exception {
    Path directory = Path.of("target", "it", "bench-" + ProcessHandle.current().pid());
    try (Lab lab = new Lab(directory)) {
      Results results = new Results(machine(lab));
      measure(lab, results);
      System.out.println(new Report(results).table());
      System.out.println("Written: " + RESULTS.resolve("index.html") + ", results.json");
    }
  }

  private static void hold(Contest contest, Results results, int warmRounds) throws Exception {
    for (int round = 1 - warmRounds; round <= ROUNDS; round++) {
      for (Map.Entry<String, Contender> one : contest.contenders().entrySet()) {
        Map<String, Double> figures = one.getValue().run();
        System.out.printf(
            "%s, %s, %s: %s%n",
            contest.name(), round < 1 ? "warming up" : "round " + round, one.getKey(), figures);
        if (round >= 1) {
          results.add(contest, one.getKey(), figures);
        }
      }
    }
    // All cases take hours; what is measured is kept whatever becomes of the next.
    new Report(results).write(RESULTS);
  }

  /** One kind after the other: what one leaves running would be measured with the next. */
  private static void measure(Lab lab, Results results) throws Exception {
    measureCopies(lab, results);
    measureBacklogs(lab, results);
    measureTables(lab, results);
    if (CASES.contains("growth")) {
      try (GrowthContest growth = new GrowthContest(lab, CHANGES, LARGE_ROWS)) {
        hold(growth.contest(), results, MORE_WARM_ROUNDS);
      }
    }
    if (CASES.contains("width")) {
      try (WidthContest widths = new WidthContest(lab, CHANGES)) {
        hold(widths.contest(), results, MORE_WARM_ROUNDS);
      }
    }
    if (CASES.contains("stages")) {
      try (StageContests stages = new StageContests(lab, CHANGES, ROUNDS + WARM_ROUNDS)) {
        hold(stages.contest(), results, WARM_ROUNDS);
      }
    }
    if (CASES.contains("sessions")) {
      try (SharedContest sessions = SharedContest.sessions(lab, CHANGES, ROUNDS + WARM_ROUNDS)) {
        hold(sessions.contest(), results, WARM_ROUNDS);
      }
    }
    if (CASES.contains("instances")) {
      try (SharedContest instances = SharedContest.instances(lab, CHANGES, ROUNDS + WARM_ROUNDS)) {
        hold(instances.contest(), results, WARM_ROUNDS);
      }
    }
    if (CASES.contains("detection")) {
      try (DetectionContest modes = new DetectionContest(lab, CHANGES, ROUNDS + WARM_ROUNDS)) {
        hold(modes.contest(), results, WARM_ROUNDS);
      }
    }
    measureLatencies(lab, results);
    if (CASES.contains("verify")) {
      hold(new ProofContests(lab, ROWS).contest(), results, MORE_WARM_ROUNDS);
    }
    if (CASES.contains("idle")) {
      try (IdleContest idle = new IdleContest(lab, 1)) {
        hold(idle.of("idle"), results, MORE_WARM_ROUNDS);
      }
    }
    if (CASES.contains("idle-50-tables")) {
      try (IdleContest idle = new IdleContest(lab, 50)) {
        hold(idle.of("idle-50-tables"), results, MORE_WARM_ROUNDS);
      }
    }
  }

  private static void measureCopies(Lab lab, Results results) throws Exception {
    if (CASES.contains("copy")) {
      try (CopyContests copies = CopyContests.wide(lab, ROWS)) {
        hold(copies.contest("copy"), results, WARM_ROUNDS);
      }
    }
    if (CASES.contains("copy-narrow")) {
      try (CopyContests copies = CopyContests.narrow(lab, ROWS)) {
        hold(copies.contest("copy-narrow"), results, MORE_WARM_ROUNDS);
      }
    }
    if (CASES.contains("copy-large")) {
      try (CopyContests copies = CopyContests.wide(lab, LARGE_ROWS)) {
        hold(copies.contest("copy-large"), results, 0);
      }
    }
  }

  /** A shape of a backlog in one table. */
  private record Shape(Mix mix, int perTransaction) {}

  private static void measureBacklogs(Lab lab, Results results) throws Exception {
    Map<String, Shape> shapes = new LinkedHashMap<>();
    shapes.put("backlog", new Shape(Mix.ALL, 100));
    shapes.put("backlog-single", new Shape(Mix.ALL, 1));
    shapes.put("backlog-one", new Shape(Mix.ALL, CHANGES));
    shapes.put("backlog-inserts", new Shape(Mix.INSERTS, 100));
    shapes.put("backlog-updates", new Shape(Mix.UPDATES, 100));
    shapes.keySet().retainAll(CASES);
    if (shapes.isEmpty()) {
      return;
    }
    int rounds = shapes.size() * (ROUNDS + WARM_ROUNDS);
    try (BacklogContests backlogs = new BacklogContests(lab, 1, CHANGES, rounds)) {
      int warmRounds = WARM_ROUNDS;
      for (Map.Entry<String, Shape> one : shapes.entrySet()) {
        Shape shape = one.getValue();
        hold(backlogs.of(one.getKey(), shape.mix(), shape.perTransaction()), results, warmRounds);
        warmRounds = MORE_WARM_ROUNDS;
      }
    }
  }

  private static void measureLatencies(Lab lab, Results results) throws Exception {
    if (CASES.stream().noneMatch(name -> name.startsWith("latency-"))) {
      return;
    }
    try (LatencyContests paced = new LatencyContests(lab)) {
      for (int rate : List.of(500, 100, 1_000)) {
        if (CASES.contains("latency-" + rate)) {
          hold(paced.at(rate), results, 0);
        }
      }
      if (CASES.contains("latency-500-unflushed")) {
        lab.flushEachRecord(false);
        hold(
            paced.at(500, "latency-500-unflushed", ", the broker leaving flushes to the system"),
            results,
            0);
        lab.flushEachRecord(true);
      }
    }
  }

  private static void measureTables(Lab lab, Results results) throws Exception {
    for (int tables : List.of(10, 50)) {
      String name = "backlog-" + tables + "-tables";
      if (CASES.contains(name)) {
        try (BacklogContests backlogs =
            new BacklogContests(lab, tables, CHANGES, ROUNDS + WARM_ROUNDS)) {
          hold(backlogs.of(name, Mix.ALL, 100), results, WARM_ROUNDS);
        }
      }
    }
  }

  private static Map<String, String> machine(Lab lab) {
    Map<String, String> machine = new LinkedHashMap<>();
    machine.put("cores", Integer.toString(Runtime.getRuntime().availableProcessors()));
    machine.put("system", System.getProperty("os.name") + " " + System.getProperty("os.arch"));
    machine.put("java", System.getProperty("java.version"));
    machine.put("PostgreSQL", TestStack.text(lab.source(), "show server_version"));
    machine.put("rounds", Integer.toString(ROUNDS));
    return machine;
  }
}
