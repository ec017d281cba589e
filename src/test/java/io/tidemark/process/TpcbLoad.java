package io.tidemark.process;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.Await;
import io.tidemark.postgres.PgDatabase;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

/**
 * What pgbench does by default, by clients that survive their server: they connect again until they
 * are stopped, and keep account of what the server acknowledged.
 */
final class TpcbLoad implements AutoCloseable {
  private static final Duration RECONNECT_PAUSE = Duration.ofMillis(50);

  private static final String[] STATEMENTS = {
    "update pgbench_accounts set abalance = abalance + ? where aid = ?",
    "update pgbench_tellers set tbalance = tbalance + ? where tid = ?",
    "update pgbench_branches set bbalance = bbalance + ? where bid = ?",
  };

  private static final String RECORD =
      """
      insert into pgbench_history (id, tid, bid, aid, delta, mtime)
      values (?, ?, ?, ?, ?, clock_timestamp())
      """;

  private final PgDatabase source;
  private final TpcbTables tables;
  private final AtomicLong ids;
  private final long before;
  private final Set<Long> acknowledged = ConcurrentHashMap.newKeySet();
  private final Set<Long> uncertain = ConcurrentHashMap.newKeySet();
  private final AtomicReference<Exception> failure = new AtomicReference<>();
  private final CountDownLatch stopping = new CountDownLatch(1);
  private final List<Thread> clients = new ArrayList<>();

  private final Duration pause;

  /**
   * @param ids hands out keys of the history, also to other loads of the same tables
   * @param pause of a client between two transactions; zero for as many as the source takes
   */
  TpcbLoad(
      PgDatabase source,
      TpcbTables tables,
      int clientCount,
      AtomicLong ids,
      long seed,
      Duration pause) {
    this.source = source;
    this.tables = tables;
    this.ids = ids;
    this.pause = pause;
    before = ids.get();
    SplittableRandom random = new SplittableRandom(seed);
    for (int i = 0; i < clientCount; i++) {
      SplittableRandom own = random.split();
      Thread client = new Thread(() -> run(own), "tpcb client " + i);
      clients.add(client);
      client.start();
    }
  }

  private void run(SplittableRandom random) {
    while (stopping.getCount() > 0) {
      try {
        transact(random);
      } catch (SQLException e) {
        if (!isServerAway(e)) {
          failure.compareAndSet(null, e);
          return;
        }
      }
      pause();
    }
  }

  private static boolean isServerAway(SQLException e) {
    String state = String.valueOf(e.getSQLState());
    return state.startsWith("08") || state.startsWith("57P");
  }

  private void pause() {
    try {
      stopping.await(RECONNECT_PAUSE.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      stopping.countDown();
    }
  }

  /** Transactions in one session, until it is lost or the load is stopped. */
  private void transact(SplittableRandom random) throws SQLException {
    try (Connection connection = source.open("tpcb");
        PreparedStatement account = connection.prepareStatement(STATEMENTS[0]);
        PreparedStatement teller = connection.prepareStatement(STATEMENTS[1]);
        PreparedStatement branch = connection.prepareStatement(STATEMENTS[2]);
        PreparedStatement history = connection.prepareStatement(RECORD)) {
      connection.setAutoCommit(false);
      while (stopping.getCount() > 0) {
        int aid = 1 + random.nextInt(tables.accounts());
        int tid = 1 + random.nextInt(tables.tellers());
        int bid = 1 + random.nextInt(tables.branches());
        int delta = random.nextInt(-5000, 5001);
        execute(account, delta, aid);
        execute(teller, delta, tid);
        execute(branch, delta, bid);
        long id = ids.incrementAndGet();
        history.setLong(1, id);
        history.setInt(2, tid);
        history.setInt(3, bid);
        history.setInt(4, aid);
        history.setInt(5, delta);
        history.executeUpdate();
        commit(connection, id);
        LockSupport.parkNanos(pause.toNanos());
      }
    }
  }

  private static void execute(PreparedStatement statement, int delta, int key) throws SQLException {
    statement.setInt(1, delta);
    statement.setInt(2, key);
    statement.executeUpdate();
  }

  private void commit(Connection connection, long id) throws SQLException {
    try {
      connection.commit();
      acknowledged.add(id);
    } catch (SQLException e) {
      uncertain.add(id);
      throw e;
    }
  }

  int acknowledged() {
    return acknowledged.size();
  }

  /** Waits until so many more transactions are acknowledged. */
  void untilMore(int transactions) {
    int until = acknowledged.size() + transactions;
    Await.until(acknowledged::size, size -> size >= until || failure.get() != null);
    assertThat(failure.get()).as("a client of the load failed").isNull();
  }

  /**
   * Stops the clients and checks the source itself: it holds what it acknowledged, and beyond that
   * only transactions whose commit was under way when the session was lost.
   */
  void assertKeptBySource() throws SQLException {
    close();
    List<Long> lost = new ArrayList<>(acknowledged);
    List<Long> unknown = new ArrayList<>();
    try (Connection connection = source.open("test");
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery("select id from pgbench_history")) {
      Set<Long> found = ConcurrentHashMap.newKeySet();
      while (row.next()) {
        long id = row.getLong(1);
        found.add(id);
        if (id > before && !acknowledged.contains(id) && !uncertain.contains(id)) {
          unknown.add(id);
        }
      }
      lost.removeIf(found::contains);
    }
    assertThat(lost).as("acknowledged, and not in the source").isEmpty();
    assertThat(unknown).as("in the source, and never committed").isEmpty();
  }

  /** Stops the clients; fails if one met anything but a server that was away. */
  @Override
  public void close() {
    stopping.countDown();
    try {
      for (Thread client : clients) {
        client.join();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    Exception first = failure.get();
    if (first != null) {
      throw new AssertionError("a client of the load failed", first);
    }
  }
}
