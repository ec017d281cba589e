package io.tidemark.bench;

import io.tidemark.TestStack;
import io.tidemark.bench.Contest.Contender;
import io.tidemark.bench.Contest.Figure;
import io.tidemark.bench.Orders.Load;
import io.tidemark.bench.Orders.Mix;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The ways to detect conflicts, each with a table and a backlog of its own. */
final class DetectionContest implements AutoCloseable {
  private static final List<String> MODES =
      List.of("origin", "timestamp", "existence", "before_image");
  private static final int PER_TRANSACTION = 100;

  private final Lab lab;
  private final int changes;
  private final int rounds;
  private final Map<String, Integer> loads = new LinkedHashMap<>();

  DetectionContest(Lab lab, int changes, int rounds) throws Exception {
    this.lab = lab;
    this.changes = changes;
    this.rounds = rounds;
    for (String mode : MODES) {
      String table = table(mode);
      TestStack.execute(lab.source(), Orders.wide(table));
      TestStack.execute(lab.target(), Orders.wide(table));
      if (mode.equals("before_image")) {
        TestStack.execute(lab.source(), "alter table " + table + " replica identity full");
      }
      TestStack.execute(lab.source(), Orders.fillWide(table, (long) changes * rounds));
      TestStack.execute(lab.source(), "vacuum analyze " + table);
      lab.keepInStep(table, ", \"conflict_detection\": \"%s\"".formatted(mode));
      TestStack.execute(lab.target(), "vacuum analyze " + table);
    }
  }

  private static String table(String mode) {
    return "detecting_" + mode;
  }

  Contest contest() {
    Map<String, Contender> contenders = new LinkedHashMap<>();
    MODES.forEach(mode -> contenders.put("conflict_detection " + mode, () -> follow(mode)));
    return new Contest(
        "detection",
        "backlog of %,d changes, transactions of %d".formatted(changes, PER_TRANSACTION),
        List.of(Figure.rate("changes/s"), Figure.less("processor time, target", "µs/change")),
        contenders);
  }

  private Map<String, Double> follow(String mode) throws Exception {
    Follower follower = lab.tidemark();
    follower.sender().hold();
    long load = loads.merge(mode, 1, Integer::sum);
    long done = (load - 1) * changes;
    new Load(
            List.of(table(mode)),
            Mix.ALL,
            done + 1,
            (long) changes * rounds + 1 + done,
            changes,
            PER_TRANSACTION)
        .run(lab.source());
    Orders.mark(lab.source(), table(mode), "load " + load);
    TestStack.execute(lab.source(), "checkpoint");
    TestStack.execute(lab.target(), "checkpoint");
    double before = lab.used(follower).target();
    long started = System.nanoTime();
    follower.sender().release();
    Orders.awaitMark(lab.target(), table(mode), "load " + load);
    double seconds = (System.nanoTime() - started) / 1e9;
    double used = lab.used(follower).target() - before;
    Orders.requireEqual(lab.source(), lab.target(), table(mode));
    return Map.of("rate", changes / seconds, "processor time, target", used * 1e6 / changes);
  }

  @Override
  public void close() throws IOException {
    lab.forget(new ArrayList<>(MODES.stream().map(DetectionContest::table).toList()));
  }
}
