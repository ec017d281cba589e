package io.tidemark.bench;

import io.tidemark.TestStack;
import io.tidemark.bench.Contest.Contender;
import io.tidemark.bench.Contest.Figure;
import io.tidemark.postgres.PgDatabase;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.sql.Connection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/**
 * A full copy into an empty table that has its key, beside a pipe of two COPYs and PostgreSQL's.
 */
final class CopyContests {
  private static final int PIPE_BYTES = 1 << 20;

  private final Lab lab;
  private final long rows;

  CopyContests(Lab lab, long rows) {
    this.lab = lab;
    this.rows = rows;
  }

  Contest wide() throws IOException, InterruptedException {
    return contest("copy", "300-byte rows", "copied", Orders.wide("copied"), true);
  }

  Contest narrow() throws IOException, InterruptedException {
    return contest("copy-narrow", "rows of 3 columns", "slim", Orders.narrow("slim"), false);
  }

  private Contest contest(String name, String kind, String table, String create, boolean isWide)
      throws IOException, InterruptedException {
    for (PgDatabase database : lab.databases()) {
      TestStack.execute(database, create);
    }
    TestStack.execute(
        lab.source(), isWide ? Orders.fillWide(table, rows) : Orders.fillNarrow(table, rows));
    TestStack.execute(lab.source(), "vacuum analyze " + table);
    String configuration = lab.keepInStep(table);
    Map<String, Contender> contenders = new LinkedHashMap<>();
    contenders.put("Tidemark", () -> tidemark(configuration, table));
    contenders.put("COPY | COPY, binary", () -> pipe(table));
    contenders.put("native logical replication", () -> natively(table));
    return new Contest(
        name,
        "full copy of %,d %s".formatted(rows, kind),
        List.of(Figure.rate("rows/s")),
        contenders);
  }

  private Map<String, Double> tidemark(String configuration, String table) throws Exception {
    empty(lab.target(), table);
    double seconds = Lab.seconds(lab.run(configuration, "execute", "{\"mode\": \"full\"}"));
    Orders.requireEqual(lab.source(), lab.target(), table);
    return rate(seconds);
  }

  private Map<String, Double> pipe(String table) throws Exception {
    empty(lab.peer(), table);
    long started = System.nanoTime();
    try (Connection from = lab.source().open("bench");
        Connection to = lab.peer().open("bench");
        PipedInputStream in = new PipedInputStream(PIPE_BYTES);
        OutputStream out = new PipedOutputStream(in)) {
      CompletableFuture<Void> reading =
          CompletableFuture.runAsync(
              () -> {
                try (out) {
                  PgDatabase.pg(from)
                      .getCopyAPI()
                      .copyOut("copy %s to stdout (format binary)".formatted(table), out);
                } catch (Exception e) {
                  throw new IllegalStateException(e);
                }
              });
      PgDatabase.pg(to)
          .getCopyAPI()
          .copyIn("copy %s from stdin (format binary)".formatted(table), in, PIPE_BYTES);
      reading.get();
    }
    return rate((System.nanoTime() - started) / 1e9);
  }

  private Map<String, Double> natively(String table) {
    empty(lab.peer(), table);
    long started = System.nanoTime();
    NativeReplication replication = NativeReplication.copying(lab.source(), lab.peer(), table);
    double seconds = (System.nanoTime() - started) / 1e9;
    replication.close();
    return rate(seconds);
  }

  private void empty(PgDatabase database, String table) {
    TestStack.execute(database, "truncate " + table);
    TestStack.execute(database, "checkpoint");
  }

  private Map<String, Double> rate(double seconds) {
    return Map.of("rate", (rows + 1) / seconds);
  }
}
