package io.tidemark.bench;

import io.tidemark.bench.Contest.Contender;
import io.tidemark.bench.Orders.Spread;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The same backlog of updates, spread over all of a table of a million rows and of a large one.
 * What the large one costs native replication as well is PostgreSQL's own.
 */
final class GrowthContest implements AutoCloseable {
  private static final long USUAL_ROWS = 1_000_000;

  private final int changes;
  private final List<Followers> all = new ArrayList<>();
  private final Map<String, Contender> contenders = new LinkedHashMap<>();

  GrowthContest(Lab lab, int changes, long largeRows) throws Exception {
    this.changes = changes;
    for (long rows : List.of(USUAL_ROWS, largeRows)) {
      for (Followers earlier : all) {
        // A table that joins waits for what is captured.
        earlier.release();
      }
      Followers followers = Followers.withoutConnect(lab, "growth_" + rows, rows);
      all.add(followers);
      Spread spread = new Spread(followers.tables().get(0), rows, changes);
      new Backlog(lab, followers, changes)
          .contenders(earlier -> spread.run(lab.source(), earlier))
          .forEach((name, one) -> contenders.put("%s, %,d rows".formatted(name, rows), one));
    }
  }

  Contest contest() {
    return new Contest(
        "growth",
        "backlog of %,d updates all over a table, transactions of %d"
            .formatted(changes, Spread.PER_TRANSACTION),
        Backlog.FIGURES,
        contenders);
  }

  @Override
  public void close() throws IOException {
    for (Followers followers : all) {
      followers.close();
    }
  }
}
