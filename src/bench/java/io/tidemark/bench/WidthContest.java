package io.tidemark.bench;

import io.tidemark.bench.Contest.Contender;
import io.tidemark.bench.Contest.Figure;
import io.tidemark.bench.Orders.Spread;
import io.tidemark.bench.Orders.Width;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The same backlog of updates, end to end into tables whose rows differ in width. */
final class WidthContest implements AutoCloseable {
  private static final long ROWS = 1_000_000;

  private final Lab lab;
  private final int changes;
  private final Map<Width, LoneTable> tables = new LinkedHashMap<>();

  WidthContest(Lab lab, int changes) throws IOException {
    this.lab = lab;
    this.changes = changes;
    for (Width width : List.of(Width.USUAL, Width.SLIM, Width.BROAD)) {
      tables.put(width, LoneTable.of(lab, "width_" + tables.size(), width, ROWS));
    }
  }

  Contest contest() {
    Map<String, Contender> contenders = new LinkedHashMap<>();
    tables.forEach(
        (width, table) -> {
          Spread spread = new Spread(table.name(), ROWS, changes);
          contenders.put(
              width.words(),
              () -> table.catchUp(changes, earlier -> spread.run(lab.source(), earlier)));
        });
    return new Contest(
        "width",
        "backlog of %,d updates all over a table, transactions of %d"
            .formatted(changes, Spread.PER_TRANSACTION),
        List.of(Figure.rate("changes/s"), Figure.less("processor time, target", "µs/change")),
        contenders);
  }

  @Override
  public void close() throws IOException {
    lab.forget(tables.values().stream().map(LoneTable::name).toList());
  }
}
