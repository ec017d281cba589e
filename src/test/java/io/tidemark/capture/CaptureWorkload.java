package io.tidemark.capture;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.Await;
import io.tidemark.capture.CaptureFixture.Read;
import io.tidemark.change.Change;
import io.tidemark.change.Row;
import io.tidemark.change.TableName;
import io.tidemark.postgres.PgDatabase;
import java.io.IOException;
import java.io.StringReader;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Concurrent transactions whose history proves itself: every change of a row raises its number by
 * one, in the database, so a lost change leaves a gap, a doubled one a repetition, and a lost last
 * one another row than the table's.
 */
final class CaptureWorkload {
  static final TableName TABLE = new TableName("public", "work");
  private static final int WRITERS = 4;

  /** Keys of one writer, and the place where its changed keys go. */
  private static final int KEYS = 1_000_000;

  private final CaptureFixture fixture;
  private final long seed;
  private final ExecutorService threads = Executors.newFixedThreadPool(WRITERS);
  private final List<Future<?>> writers = new ArrayList<>();
  private volatile boolean stopping;

  /** Makes the table; writing begins later, so that all of its history can be captured. */
  CaptureWorkload(CaptureFixture fixture, long seed) throws SQLException {
    this.fixture = fixture;
    this.seed = seed;
    fixture.execute("create table work (id int primary key, n int not null, v text)");
  }

  void begin() {
    System.out.println("workload seed " + seed);
    for (int writer = 0; writer < WRITERS; writer++) {
      int number = writer;
      writers.add(threads.submit(() -> write(number, new SplittableRandom(seed + number))));
    }
  }

  private Void write(int writer, SplittableRandom random) throws Exception {
    int next = writer * KEYS;
    try (Connection connection = fixture.source.open("workload")) {
      connection.setAutoCommit(false);
      while (!stopping) {
        int steps = 1 + random.nextInt(6);
        for (int step = 0; step < steps; step++) {
          next = step(connection, writer, next, random);
          if (random.nextInt(2) == 0) {
            Thread.sleep(random.nextInt(25));
          }
        }
        if (random.nextInt(10) == 0) {
          connection.rollback();
        } else {
          connection.commit();
        }
      }
      connection.commit();
    }
    return null;
  }

  /** One statement; answers the writer's next free key. Keys of rolled back rows stay unused. */
  private static int step(Connection connection, int writer, int next, SplittableRandom random)
      throws SQLException, IOException {
    int first = writer * KEYS;
    int known = Math.max(1, next - first);
    int some = first + random.nextInt(known);
    switch (random.nextInt(8)) {
      case 0, 1 -> {
        int rows = 1 + random.nextInt(30);
        execute(
            connection,
            "insert into work select i, 1, 'v' from generate_series("
                + next
                + ", "
                + (next + rows - 1)
                + ") i");
        return next + rows;
      }
      case 2 -> {
        StringBuilder rows = new StringBuilder();
        for (int i = 0; i < 5; i++) {
          rows.append(next + i).append("\t1\tc\n");
        }
        PgDatabase.pg(connection)
            .getCopyAPI()
            .copyIn("copy work from stdin", new StringReader(rows.toString()));
        return next + 5;
      }
      case 3, 4 ->
          execute(
              connection,
              "update work set n = n + 1 where id between " + some + " and " + (some + 20));
      case 5 ->
          // Far from every other key: the row keeps its number under the new one.
          execute(connection, "update work set id = id + 100000000, n = n + 1 where id = " + some);
      case 6 -> execute(connection, "delete from work where id = " + some);
      default -> {
        execute(connection, "savepoint s");
        execute(connection, "update work set n = n + 1 where id = " + some);
        execute(connection, "rollback to s");
      }
    }
    return next;
  }

  private static void execute(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  /** Ends the writers, whose failures are the test's. */
  void stop() throws InterruptedException, ExecutionException {
    stopping = true;
    threads.shutdown();
    for (Future<?> writer : writers) {
      Await.result(writer);
    }
  }

  /** Checks that these records are the table's whole history, once and in order. */
  void verify(List<Read> read) throws SQLException {
    CaptureTest.assertPositionsRise(read);
    Map<String, Integer> rows = new HashMap<>();
    for (Read one : read) {
      Change change = one.change();
      String key = one.key().value(0);
      if (change instanceof Change.Insert insert) {
        int former = insert.movedFrom().isPresent() ? moved(rows, insert) : 0;
        assertThat(number(insert.after())).isEqualTo(former + 1);
        assertThat(rows.put(key, former + 1)).isNull();
      } else if (change instanceof Change.Update update) {
        assertThat(number(update.after())).isEqualTo(rows.get(key) + 1);
        rows.put(key, number(update.after()));
      } else if (change instanceof Change.Delete delete) {
        Integer former = rows.remove(key);
        assertThat(former).isNotNull();
        delete.movedTo().ifPresent(to -> rows.put("to " + to.value(0), former));
      }
    }
    assertThat(new TreeMap<>(rows)).isEqualTo(table());
    System.out.println("verified " + read.size() + " changes, " + rows.size() + " rows");
  }

  private static int moved(Map<String, Integer> rows, Change.Insert insert) {
    Integer former = rows.remove("to " + insert.after().value(0));
    assertThat(former).isNotNull();
    return former;
  }

  private static int number(Row row) {
    return Integer.parseInt(row.value(1));
  }

  private TreeMap<String, Integer> table() throws SQLException {
    TreeMap<String, Integer> rows = new TreeMap<>();
    try (Connection connection = fixture.source.open("test");
        PreparedStatement statement = connection.prepareStatement("select id, n from work");
        ResultSet row = statement.executeQuery()) {
      while (row.next()) {
        rows.put(row.getString(1), row.getInt(2));
      }
    }
    return rows;
  }
}
