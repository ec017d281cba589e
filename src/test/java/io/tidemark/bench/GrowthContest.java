package io.tidemark.bench;

import io.tidemark.TestStack;
import io.tidemark.bench.Contest.Contender;
import io.tidemark.bench.Contest.Figure;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The same backlog of updates, spread over all of the table, end to end into a small table and into
 * a large one.
 */
final class GrowthContest implements AutoCloseable {
  private static final long SMALL_ROWS = 1_000_000;
  private static final int PER_TRANSACTION = 100;

  /** Has no divisor in common with a number of rows that is round, so no row comes twice. */
  private static final long STRIDE = 7_368_787;

  private final Lab lab;
  private final int changes;
  private final Map<String, Long> tables = new LinkedHashMap<>();
  private final Map<String, Integer> loads = new LinkedHashMap<>();

  /**
   * @param largeRows a round number of rows of the large table
   */
  GrowthContest(Lab lab, int changes, long largeRows) throws Exception {
    this.lab = lab;
    this.changes = changes;
    tables.put("growing_small", SMALL_ROWS);
    tables.put("growing_large", largeRows);
    for (Map.Entry<String, Long> one : tables.entrySet()) {
      TestStack.execute(lab.source(), Orders.wide(one.getKey()));
      TestStack.execute(lab.target(), Orders.wide(one.getKey()));
      TestStack.execute(lab.source(), Orders.fillWide(one.getKey(), one.getValue()));
      TestStack.execute(lab.source(), "vacuum analyze " + one.getKey());
      lab.keepInStep(one.getKey());
      TestStack.execute(lab.target(), "vacuum analyze " + one.getKey());
    }
  }

  Contest contest() {
    Map<String, Contender> contenders = new LinkedHashMap<>();
    tables.forEach(
        (table, rows) ->
            contenders.put("a table of %,d rows".formatted(rows), () -> follow(table)));
    return new Contest(
        "growth",
        "backlog of %,d updates all over a table, transactions of %d"
            .formatted(changes, PER_TRANSACTION),
        List.of(Figure.rate("changes/s"), Figure.less("processor time, target", "µs/change")),
        contenders);
  }

  private Map<String, Double> follow(String table) throws Exception {
    Follower follower = lab.tidemark();
    follower.sender().hold();
    int load = loads.merge(table, 1, Integer::sum);
    update(table, (load - 1L) * changes);
    Orders.mark(lab.source(), table, "load " + load);
    TestStack.execute(lab.source(), "checkpoint");
    TestStack.execute(lab.target(), "checkpoint");
    double before = lab.used(follower).target();
    long started = System.nanoTime();
    follower.sender().release();
    Orders.awaitMark(lab.target(), table, "load " + load);
    double seconds = (System.nanoTime() - started) / 1e9;
    double used = lab.used(follower).target() - before;
    Orders.requireEqual(lab.source(), lab.target(), table);
    return Map.of("rate", changes / seconds, "processor time, target", used * 1e6 / changes);
  }

  private void update(String table, long done) throws SQLException {
    try (Connection connection = lab.source().open("bench load");
        Statement statement = connection.createStatement()) {
      statement.execute("set synchronous_commit = off");
      statement.execute(
          """
          do $$
          begin
            for i in %1$d..%1$d + %2$d - 1 loop
              update %3$s set status = 'returned', amount = amount + 1, updated_at = now()
              where id = 1 + i::int8 * %4$d %% %5$d;
              if (i + 1) %% %6$d = 0 then
                commit;
              end if;
            end loop;
          end $$
          """
              .formatted(done, changes, table, STRIDE, tables.get(table), PER_TRANSACTION));
    }
  }

  @Override
  public void close() throws IOException {
    lab.forget(List.copyOf(tables.keySet()));
  }
}
