package io.tidemark.copy;

import io.tidemark.copy.CopyOutcome.Completed;
import io.tidemark.postgres.PgDatabase;
import java.io.IOException;
import java.time.Duration;
import java.util.Locale;
import java.util.UUID;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Measures both ways of copying beside {@code psql … | psql …} with binary COPY, in one run, on
 * {@code -Dbench.rows} rows of 300 bytes. Not part of the tests by its name: {@code -Pbench
 * -Dtest=CopyBench}.
 */
@Tag("bench")
class CopyBench {
  private static final int ROWS = Integer.getInteger("bench.rows", 1_000_000);
  private static final int ROUNDS = Integer.getInteger("bench.rounds", 3);

  static final String TABLE =
      """
      create table orders (
        id int8 primary key, customer text, status text, note text, amount numeric(12, 2),
        detail jsonb, created_at timestamptz, updated_at timestamptz)
      """;

  static final String FILL =
      """
      insert into orders
      select i, 'customer ' || i %% 1000, 'shipped', repeat(md5(i::text), 2), i * 1.07,
             jsonb_build_object('sku', md5(i::text), 'lines', i %% 9, 'address', md5(i::text)),
             now(), now()
      from generate_series(1, %d) i
      """;

  @Test
  void measures() throws IOException, InterruptedException {
    try (PgFixture pg = new PgFixture()) {
      pg.onBoth(TABLE);
      pg.atSource.execute(FILL.formatted(ROWS));
      pg.atSource.execute("vacuum analyze orders");
      for (int round = 1; round <= ROUNDS; round++) {
        round(pg, round);
      }
    }
  }

  private void round(PgFixture pg, int round) throws IOException, InterruptedException {
    empty(pg);
    report(round, "psql | psql, binary, key there", psqlPipe(pg));
    empty(pg);
    report(round, "direct", copy(pg, 2));
    report(round, "staged, nothing differs", copy(pg, 2));
    pg.atTarget.execute("update orders set note = 'x' where id % 100 = 0");
    report(round, "staged, 1 % differs", copy(pg, 2));
    pg.atTarget.execute("vacuum orders");
    pg.atTarget.execute("update orders set note = note || 'x'");
    pg.atTarget.execute("vacuum orders");
    report(round, "staged, all rows differ", copy(pg, 2));
  }

  private static void empty(PgFixture pg) {
    pg.atTarget.execute("truncate orders");
    pg.atTarget.execute("checkpoint");
  }

  private static double copy(PgFixture pg, int workers) {
    CopySettings defaults = CopySettings.DEFAULTS;
    CopySettings settings =
        new CopySettings(
            workers, defaults.chunkBytes(), defaults.bufferBytes(), Duration.ofSeconds(5));
    long[] lastPhase = {System.nanoTime()};
    StringBuilder phases = new StringBuilder();
    CopyPhase[] last = {CopyPhase.SNAPSHOT};
    CopyProgress progress =
        new CopyProgress(
            System::nanoTime,
            phase -> {
              long now = System.nanoTime();
              phases.append(
                  String.format(
                      Locale.ROOT, " %s %.2f", last[0].word(), (now - lastPhase[0]) / 1e9));
              last[0] = phase;
              lastPhase[0] = now;
            });
    long start = System.nanoTime();
    Completed done =
        (Completed)
            new TableCopy(pg.source, pg.target, settings)
                .run(
                    CopyRequest.difference(UUID.randomUUID(), pg.mapping("orders")),
                    CopyHooks.NONE,
                    progress,
                    new Cancellation());
    double seconds = (System.nanoTime() - start) / 1e9;
    System.out.printf(
        Locale.ROOT, "BENCH     %s; %d bytes/row%n", phases, done.bytes() / done.rowsRead());
    return seconds;
  }

  private static double psqlPipe(PgFixture pg) throws IOException, InterruptedException {
    String pipe =
        psql(pg.source)
            + " -c 'copy orders to stdout (format binary)' | "
            + psql(pg.target)
            + " -c 'copy orders from stdin (format binary)'";
    long start = System.nanoTime();
    int exit = new ProcessBuilder("bash", "-c", pipe).inheritIO().start().waitFor();
    if (exit != 0) {
      throw new IllegalStateException("psql ended with " + exit);
    }
    return (System.nanoTime() - start) / 1e9;
  }

  private static String psql(PgDatabase database) {
    return "psql -X -q '" + database.url().replaceFirst("^jdbc:", "") + "'";
  }

  private static void report(int round, String what, double seconds) {
    System.out.printf(
        Locale.ROOT, "BENCH %d %-32s %6.2f s %9.0f rows/s%n", round, what, seconds, ROWS / seconds);
  }
}
