package io.tidemark.bench;

import io.tidemark.bench.ConnectChain.Tuning;
import io.tidemark.bench.Contest.Contender;
import io.tidemark.bench.Contest.Figure;
import io.tidemark.postgres.PgDatabase;
import java.io.IOException;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * From a commit at the source, as its server has recorded it, until the same row is seen at the
 * target, under a steady load of transactions of one row. The target's own record would not do:
 * PostgreSQL's own replication takes the source's time over.
 */
final class LatencyContests implements AutoCloseable {
  /** A process is slow until it is compiled, which at these rates takes it a minute or two. */
  private static final int FIRST_WARM_SECONDS = 90;

  private static final int WARM_SECONDS = 5;
  private static final int SECONDS = 15;

  /** So long a row may be there before it is seen; it is the same for all. */
  private static final long LOOK_MILLIS = 1;

  private static final Duration HELD_LOOK = Duration.ofMillis(100);

  private final Lab lab;
  private final Followers followers;
  private final String table;
  private final Set<String> warm = new HashSet<>();
  private long next = 1;

  LatencyContests(Lab lab) throws Exception {
    this.lab = lab;
    followers = new Followers(lab, "paced", 1, 0, Tuning.DELAY);
    table = followers.tables().get(0);
  }

  Contest at(int perSecond) {
    return at(perSecond, "latency-" + perSecond, "");
  }

  /**
   * @param circumstances that the title names
   */
  Contest at(int perSecond, String name, String circumstances) {
    Map<String, Contender> contenders = new LinkedHashMap<>();
    for (Follower follower : followers.all()) {
      contenders.put(follower.name(), () -> measure(follower, perSecond));
    }
    return new Contest(
        name,
        "delay at %,d transactions of one row a second%s".formatted(perSecond, circumstances),
        List.of(
            Figure.less("p50", "ms"),
            Figure.less("p95", "ms"),
            Figure.less("p99", "ms"),
            Figure.less("log of the source not confirmed, most", "kB")),
        contenders);
  }

  private Map<String, Double> measure(Follower follower, int perSecond) throws Exception {
    follower.sender().release();
    // What the others did while this one stood still.
    settle(follower);
    load(perSecond, warm.add(follower.name()) ? FIRST_WARM_SECONDS : WARM_SECONDS);
    settle(follower);
    long first = next;
    CompletableFuture<Void> loading =
        CompletableFuture.runAsync(() -> loadUnchecked(perSecond, SECONDS));
    CompletableFuture<Double> unconfirmed =
        CompletableFuture.supplyAsync(() -> unconfirmed(follower, loading));
    Map<Long, Long> seen = watch(follower.target(), first, perSecond * SECONDS, loading);
    loading.get();
    follower.sender().hold();
    long[] delays =
        commits(first).entrySet().stream()
            .mapToLong(one -> seen.get(one.getKey()) - one.getValue())
            .sorted()
            .toArray();
    return Map.of(
        "p50",
        at(delays, 0.5),
        "p95",
        at(delays, 0.95),
        "p99",
        at(delays, 0.99),
        "log of the source not confirmed, most",
        unconfirmed.get());
  }

  /** How much of its log the source has to keep for a follower at the worst, in kilobytes. */
  private static double unconfirmed(Follower follower, CompletableFuture<Void> loading) {
    String held =
        """
        select coalesce(max(pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn)), 0)::int8
        from pg_replication_slots
        where slot_name like '%s'
        """
            .formatted(follower.slot());
    try (Connection connection = follower.source().open("bench");
        var statement = connection.prepareStatement(held)) {
      long most = 0;
      while (!loading.isDone()) {
        try (ResultSet row = statement.executeQuery()) {
          row.next();
          most = Math.max(most, row.getLong(1));
        }
        LockSupport.parkNanos(HELD_LOOK.toNanos());
      }
      return most / 1e3;
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  private void settle(Follower follower) throws Exception {
    followers.mark("paced " + next);
    followers.awaitMark(follower, "paced " + next);
  }

  private static double at(long[] sorted, double quantile) {
    return sorted[(int) (sorted.length * quantile)] / 1e3;
  }

  /**
   * Looks again and again for rows that have come, and answers when each was first there, in
   * microseconds.
   */
  private Map<Long, Long> watch(
      PgDatabase target, long first, int rows, CompletableFuture<Void> loading)
      throws SQLException {
    Map<Long, Long> seen = new HashMap<>();
    try (Connection connection = target.open("bench");
        var statement = connection.prepareStatement("select max(id) from %s".formatted(table))) {
      Patience patience = new Patience("rows of " + table);
      long reached = first - 1;
      while (reached < first + rows - 1) {
        patience.step(LOOK_MILLIS);
        if (loading.isCompletedExceptionally()) {
          loading.join();
        }
        try (ResultSet row = statement.executeQuery()) {
          row.next();
          long now = ChronoUnit.MICROS.between(Instant.EPOCH, Instant.now());
          for (long id = reached + 1; id <= row.getLong(1); id++) {
            seen.put(id, now);
          }
          reached = Math.max(reached, row.getLong(1));
        }
      }
    }
    return seen;
  }

  private void loadUnchecked(int perSecond, int seconds) {
    try {
      load(perSecond, seconds);
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  private void load(int perSecond, int seconds) throws SQLException {
    String insert =
        """
        insert into %s
        values (?, 'customer', 'new', repeat('note', 16), 7.5, '{"lines": 1}', now(), now())
        """
            .formatted(table);
    try (Connection connection = lab.source().open("bench load");
        var statement = connection.prepareStatement(insert)) {
      long start = System.nanoTime();
      for (int i = 0; i < perSecond * seconds; i++) {
        long due = start + i * TimeUnit.SECONDS.toNanos(1) / perSecond;
        LockSupport.parkNanos(due - System.nanoTime());
        statement.setLong(1, next++);
        statement.execute();
      }
    }
  }

  /** When each row from an id on was committed, in microseconds. */
  private Map<Long, Long> commits(long first) throws SQLException {
    String ask =
        """
        select id, (extract(epoch from pg_xact_commit_timestamp(xmin)) * 1000000)::int8
        from %s
        where id >= %d
        """
            .formatted(table, first);
    Map<Long, Long> micros = new HashMap<>();
    try (Connection connection = lab.source().open("bench");
        ResultSet row = connection.createStatement().executeQuery(ask)) {
      while (row.next()) {
        micros.put(row.getLong(1), row.getLong(2));
      }
    }
    return micros;
  }

  @Override
  public void close() throws IOException {
    followers.close();
  }
}
