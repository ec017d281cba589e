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
final class CopyContests implements AutoCloseable {
  private static final int PIPE_BYTES = 1 << 20;
  private static final String TABLE = "copied";

  private final Lab lab;
  private final long rows;
  private final String kind;
  private final String configuration;

  private CopyContests(Lab lab, long rows, String kind, String create, String fill)
      throws IOException {
    this.lab = lab;
    this.rows = rows;
    this.kind = kind;
    for (PgDatabase database : lab.databases()) {
      TestStack.execute(database, create);
    }
    TestStack.execute(lab.source(), fill);
    TestStack.execute(lab.source(), "vacuum analyze " + TABLE);
    configuration = lab.keepInStep(TABLE);
  }

  static CopyContests wide(Lab lab, long rows) throws IOException {
    return new CopyContests(
        lab, rows, "300-byte rows", Orders.wide(TABLE), Orders.fillWide(TABLE, rows));
  }

  static CopyContests narrow(Lab lab, long rows) throws IOException {
    return new CopyContests(
        lab, rows, "rows of 3 columns", Orders.narrow(TABLE), Orders.fillNarrow(TABLE, rows));
  }

  Contest contest(String name) {
    Map<String, Contender> contenders = new LinkedHashMap<>();
    contenders.put("Tidemark", this::tidemark);
    contenders.put("COPY | COPY, binary", this::pipe);
    contenders.put("native initial sync", () -> natively(false));
    contenders.put("native initial sync, binary", () -> natively(true));
    return new Contest(
        name,
        "full copy of %,d %s".formatted(rows, kind),
        List.of(Figure.rate("rows/s")),
        contenders);
  }

  private Map<String, Double> tidemark() throws Exception {
    empty(lab.target());
    double seconds = Lab.seconds(lab.run(configuration, "execute", "{\"mode\": \"full\"}"));
    Orders.requireEqual(lab.source(), lab.target(), TABLE);
    return rate(seconds);
  }

  private Map<String, Double> pipe() throws Exception {
    empty(lab.peer());
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
                      .copyOut("copy %s to stdout (format binary)".formatted(TABLE), out);
                } catch (Exception e) {
                  throw new IllegalStateException(e);
                }
              });
      PgDatabase.pg(to)
          .getCopyAPI()
          .copyIn("copy %s from stdin (format binary)".formatted(TABLE), in, PIPE_BYTES);
      reading.get();
    }
    return rate((System.nanoTime() - started) / 1e9);
  }

  private Map<String, Double> natively(boolean isBinary) {
    empty(lab.peer());
    long started = System.nanoTime();
    NativeReplication replication =
        NativeReplication.copying(lab.source(), lab.peer(), TABLE, isBinary);
    double seconds = (System.nanoTime() - started) / 1e9;
    replication.close();
    return rate(seconds);
  }

  private void empty(PgDatabase database) {
    TestStack.execute(database, "truncate " + TABLE);
    TestStack.execute(database, "checkpoint");
  }

  private Map<String, Double> rate(double seconds) {
    return Map.of("rate", (rows + 1) / seconds);
  }

  @Override
  public void close() throws IOException {
    lab.forget(List.of(TABLE));
  }
}
