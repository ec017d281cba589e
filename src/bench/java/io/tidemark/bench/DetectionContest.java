package io.tidemark.bench;

import io.tidemark.bench.Contest.Contender;
import io.tidemark.bench.Contest.Figure;
import io.tidemark.bench.Orders.Load;
import io.tidemark.bench.Orders.Mix;
import java.io.IOException;
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
  private final Map<String, LoneTable> tables = new LinkedHashMap<>();

  DetectionContest(Lab lab, int changes, int rounds) throws IOException {
    this.lab = lab;
    this.changes = changes;
    this.rounds = rounds;
    for (String mode : MODES) {
      String identity = mode.equals("before_image") ? "full" : "default";
      String settings = ", \"conflict_detection\": \"%s\"".formatted(mode);
      String table = "detecting_" + mode;
      String fill = Orders.fillWide(table, (long) changes * rounds);
      tables.put(mode, LoneTable.of(lab, table, fill, identity, settings));
    }
  }

  Contest contest() {
    Map<String, Contender> contenders = new LinkedHashMap<>();
    tables.forEach(
        (mode, table) ->
            contenders.put(
                "conflict_detection " + mode,
                () -> table.catchUp(changes, earlier -> load(table, earlier).run(lab.source()))));
    return new Contest(
        "detection",
        "backlog of %,d changes, transactions of %d".formatted(changes, PER_TRANSACTION),
        List.of(Figure.rate("changes/s"), Figure.less("processor time, target", "µs/change")),
        contenders);
  }

  private Load load(LoneTable table, int earlier) {
    return Load.after(earlier, rounds, List.of(table.name()), Mix.ALL, changes, PER_TRANSACTION);
  }

  @Override
  public void close() throws IOException {
    lab.forget(tables.values().stream().map(LoneTable::name).toList());
  }
}
