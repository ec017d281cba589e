package io.tidemark.bench;

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
  private final Map<Long, LoneTable> tables = new LinkedHashMap<>();

  /**
   * @param largeRows a round number of rows of the large table
   */
  GrowthContest(Lab lab, int changes, long largeRows) throws IOException {
    this.lab = lab;
    this.changes = changes;
    tables.put(SMALL_ROWS, LoneTable.of(lab, "growing_small", SMALL_ROWS));
    tables.put(largeRows, LoneTable.of(lab, "growing_large", largeRows));
  }

  Contest contest() {
    Map<String, Contender> contenders = new LinkedHashMap<>();
    tables.forEach(
        (rows, table) ->
            contenders.put(
                "a table of %,d rows".formatted(rows),
                () ->
                    table.catchUp(
                        changes, earlier -> update(table, rows, (long) earlier * changes))));
    return new Contest(
        "growth",
        "backlog of %,d updates all over a table, transactions of %d"
            .formatted(changes, PER_TRANSACTION),
        List.of(Figure.rate("changes/s"), Figure.less("processor time, target", "µs/change")),
        contenders);
  }

  private void update(LoneTable table, long rows, long done) throws SQLException {
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
              .formatted(done, changes, table.name(), STRIDE, rows, PER_TRANSACTION));
    }
  }

  @Override
  public void close() throws IOException {
    lab.forget(tables.values().stream().map(LoneTable::name).toList());
  }
}
