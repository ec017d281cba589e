package io.tidemark.copy;

import io.tidemark.change.RowKey;
import io.tidemark.conflict.ConflictLog;
import io.tidemark.conflict.ConflictResolution;
import io.tidemark.conflict.Detected;
import io.tidemark.conflict.Later;
import io.tidemark.copy.MergeOutcome.Completed;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Measures merges beside {@code md5} over both whole tables, which only tells whether they differ,
 * and beside a full copy, in one run, on {@code -Dbench.rows} rows of 300 bytes. Not part of the
 * tests by its name: {@code -Pbench -Dtest=MergeBench}.
 */
@Tag("bench")
class MergeBench {
  private static final int ROWS = Integer.getInteger("bench.rows", 1_000_000);
  private static final int ROUNDS = Integer.getInteger("bench.rounds", 3);

  private static final String MD5 =
      "select md5(string_agg(md5(t::text), '' order by id)) from orders t";

  @Test
  void measures() {
    try (PgFixture pg = new PgFixture()) {
      pg.onBoth(CopyBench.TABLE);
      pg.atSource.execute(CopyBench.FILL.formatted(ROWS));
      pg.atSource.execute("vacuum analyze orders");
      merge(pg, 0, "into an empty target", ConflictResolution.SOURCE_WINS);
      pg.atTarget.execute("vacuum analyze orders");
      for (int round = 1; round <= ROUNDS; round++) {
        md5(pg, round);
        copy(pg, round);
        merge(pg, round, "nothing differs", ConflictResolution.SOURCE_WINS);
        pg.atTarget.execute("update orders set note = 'x' where id % 100 = 0");
        merge(pg, round, "1 % differs, target wins", ConflictResolution.TARGET_WINS);
        merge(pg, round, "1 % differs, source wins", ConflictResolution.SOURCE_WINS);
        pg.atTarget.execute("delete from orders where id % 1000 = 0");
        merge(pg, round, "0.1 % is missing", ConflictResolution.SOURCE_WINS);
        pg.atTarget.execute("vacuum orders");
      }
    }
  }

  /** One side after the other, as a script would. */
  private static void md5(PgFixture pg, int round) {
    long start = System.nanoTime();
    boolean same = pg.atSource.text(MD5).equals(pg.atTarget.text(MD5));
    report(round, "md5 of both tables, equal: " + same, start, "");
  }

  private static void copy(PgFixture pg, int round) {
    long start = System.nanoTime();
    new TableCopy(pg.source, pg.target, CopySettings.DEFAULTS)
        .run(
            CopyRequest.difference(UUID.randomUUID(), pg.mapping("orders")),
            CopyHooks.NONE,
            Merges.progress(),
            new Cancellation());
    report(round, "full copy, nothing differs", start, "");
  }

  private static void merge(PgFixture pg, int round, String what, ConflictResolution strategy) {
    Counting log = new Counting();
    Phases phases = new Phases();
    long start = System.nanoTime();
    Completed done =
        (Completed)
            new TableMerge(pg.source, pg.target, CopySettings.DEFAULTS)
                .run(
                    Merges.request(pg.mapping("orders"), strategy),
                    new MergeHooks(MergeJoin.none(), TargetPreparation.NONE, log),
                    new CopyProgress(System::nanoTime, phases::enter),
                    new Cancellation());
    report(
        round,
        "merge, " + what,
        start,
        " %d conflicts, %.1f MB copied;%s"
            .formatted(log.count.get(), done.bytes() / 1e6, phases.end()));
  }

  private static void report(int round, String what, long start, String more) {
    double seconds = (System.nanoTime() - start) / 1e9;
    System.out.printf(Locale.ROOT, "BENCH %d %-36s %6.2f s%s%n", round, what, seconds, more);
  }

  /** How long each phase took. */
  private static final class Phases {
    private final StringBuilder text = new StringBuilder();
    private CopyPhase last = CopyPhase.SNAPSHOT;
    private long since = System.nanoTime();

    void enter(CopyPhase next) {
      long now = System.nanoTime();
      text.append(String.format(Locale.ROOT, " %s %.2f", last.word(), (now - since) / 1e9));
      last = next;
      since = now;
    }

    String end() {
      enter(last);
      return text.toString();
    }
  }

  /** What recording costs is the log's affair. */
  private static final class Counting implements ConflictLog {
    private final AtomicLong count = new AtomicLong();

    @Override
    public void record(List<Detected> conflicts) {
      count.addAndGet(conflicts.size());
    }

    @Override
    public Set<RowKey> waiting() {
      return Set.of();
    }

    @Override
    public Set<RowKey> join(List<Later> changes) {
      return Set.of();
    }
  }
}
