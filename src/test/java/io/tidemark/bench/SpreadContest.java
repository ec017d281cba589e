package io.tidemark.bench;

import io.tidemark.bench.Contest.Contender;
import io.tidemark.bench.Contest.Figure;
import io.tidemark.bench.Orders.Width;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The same backlog of updates, spread over all of a table, end to end into different tables. */
final class SpreadContest implements AutoCloseable {
  private static final long USUAL_ROWS = 1_000_000;
  private static final int PER_TRANSACTION = 100;

  /** Has no divisor in common with a number of rows that is round, so no row comes twice. */
  private static final long STRIDE = 7_368_787;

  private final Lab lab;
  private final String name;
  private final int changes;
  private final Map<String, Spread> tables = new LinkedHashMap<>();

  /** A table, and a round number of rows in it. */
  private record Spread(LoneTable table, long rows) {}

  private SpreadContest(Lab lab, String name, int changes) {
    this.lab = lab;
    this.name = name;
    this.changes = changes;
  }

  /** A table of a million rows, and a large one. */
  static SpreadContest growth(Lab lab, int changes, long largeRows) throws IOException {
    SpreadContest contest = new SpreadContest(lab, "growth", changes);
    for (long rows : List.of(USUAL_ROWS, largeRows)) {
      contest.add("a table of %,d rows".formatted(rows), Width.USUAL, rows);
    }
    return contest;
  }

  /** Rows of several widths. */
  static SpreadContest widths(Lab lab, int changes) throws IOException {
    SpreadContest contest = new SpreadContest(lab, "width", changes);
    for (Width width : List.of(Width.USUAL, Width.SLIM, Width.BROAD)) {
      contest.add(width.words(), width, USUAL_ROWS);
    }
    return contest;
  }

  private void add(String contender, Width width, long rows) throws IOException {
    String table = name + "_" + tables.size();
    tables.put(contender, new Spread(LoneTable.of(lab, table, width, rows), rows));
  }

  Contest contest() {
    Map<String, Contender> contenders = new LinkedHashMap<>();
    tables.forEach(
        (contender, one) ->
            contenders.put(
                contender, () -> one.table.catchUp(changes, earlier -> update(one, earlier))));
    return new Contest(
        name,
        "backlog of %,d updates all over a table, transactions of %d"
            .formatted(changes, PER_TRANSACTION),
        List.of(Figure.rate("changes/s"), Figure.less("processor time, target", "µs/change")),
        contenders);
  }

  private void update(Spread one, int earlier) throws SQLException {
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
              .formatted(
                  (long) earlier * changes,
                  changes,
                  one.table.name(),
                  STRIDE,
                  one.rows,
                  PER_TRANSACTION));
    }
  }

  @Override
  public void close() throws IOException {
    lab.forget(tables.values().stream().map(one -> one.table.name()).toList());
  }
}
