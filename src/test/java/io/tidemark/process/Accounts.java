package io.tidemark.process;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.Await;
import io.tidemark.TestStack;
import io.tidemark.postgres.PgDatabase;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The tables {@code accounts} and {@code history} of a schema, on both sides, and configurations
 * that are named as they are.
 */
final class Accounts {
  private static final int ACCOUNTS = 1000;

  private static final String CONTENT =
      "select count(*) || ' ' || coalesce(md5(string_agg(md5(t::text), '' order by id)), '')"
          + " from %s t";

  private final TidemarkProcess tidemark;
  private final String schema;

  Accounts(TidemarkProcess tidemark, String schema) {
    this.tidemark = tidemark;
    this.schema = schema;
  }

  /** Makes the tables, the source's with accounts, and keeps them in sync. */
  void keep() throws IOException {
    create("source", 1, ACCOUNTS);
    create("target", 1, 0);
    configure("accounts", "incremental");
    configure("history", "incremental");
  }

  /** Makes the tables of a side, with the accounts of a range of ids. */
  void create(String side, int first, int last) {
    at(
        side,
        """
        create schema if not exists %1$s;
        create table accounts (id bigint primary key, balance bigint not null, note text);
        create table history (
          id bigint primary key, account bigint not null, delta bigint not null);
        insert into accounts select g, 0, 'n' || g from generate_series(%2$d, %3$d) g
        """
            .formatted(schema, first, last));
  }

  /** Runs statements on a side. */
  void at(String side, String sql) {
    TestStack.execute(tidemark.database(side), "set search_path = %s; %s".formatted(schema, sql));
  }

  void configure(String table, String strategy) throws IOException {
    var created =
        tidemark.post(
            "/configurations",
            """
            {"name": "%1$s", "source_table": "%1$s", "target_table": "%1$s",
             "sync_strategy": "%2$s"}
            """
                .formatted(named(table), strategy));
    assertThat(created.statusCode()).as(created.body()).isEqualTo(201);
  }

  private String named(String table) {
    return schema + "." + table;
  }

  /** Starts an execution of a table's configuration, and returns its id. */
  String execute(String table, String body) throws IOException {
    String configuration = id(tidemark.get("/configurations?name=" + named(table)).body());
    return id(tidemark.post("/configurations/" + configuration + "/execute", body).body());
  }

  /** Waits until an execution has completed. */
  void awaitCompleted(String execution) {
    String status =
        Await.until(
            () -> status(execution), now -> !now.equals("pending") && !now.equals("running"));
    assertThat(status).isEqualTo("completed");
  }

  private String status(String execution) throws IOException {
    Matcher status =
        Pattern.compile("\"status\":\"([a-z]+)\"")
            .matcher(tidemark.get("/executions/" + execution).body());
    assertThat(status.find()).isTrue();
    return status.group(1);
  }

  private static String id(String json) {
    Matcher id = Pattern.compile("\"id\":\"([0-9a-f-]{36})\"").matcher(json);
    assertThat(id.find()).as(json).isTrue();
    return id.group(1);
  }

  void awaitEqual(String table) {
    awaitEqualWhere(table, "true");
  }

  /** Waits until the rows of both sides that a condition is about are the same. */
  void awaitEqualWhere(String table, String condition) {
    Await.untilAsserted(
        () ->
            assertThat(content("target", table, condition))
                .isEqualTo(content("source", table, condition)));
  }

  void assertEqual(String table) {
    assertThat(content("target", table, "true")).isEqualTo(content("source", table, "true"));
  }

  private String content(String side, String table, String condition) {
    String rows = "(select * from %s where %s)".formatted(named(table), condition);
    return TestStack.text(tidemark.database(side), CONTENT.formatted(rows));
  }

  void awaitCount(String side, String table, long rows) {
    Await.until(() -> count(side, table), count -> count == rows);
  }

  long count(String side, String table) {
    return Long.parseLong(
        TestStack.text(tidemark.database(side), "select count(*) from " + named(table)));
  }

  Load load(SplittableRandom random) {
    return new Load(tidemark.database("source"), schema, random);
  }

  /** Writes to the source until closed, or until the source goes away. */
  static final class Load implements AutoCloseable {
    /** Leaves the machine to those who are tested. */
    private static final Duration PACE = Duration.ofMillis(2);

    private final AtomicBoolean stopping = new AtomicBoolean();
    private final Thread thread;
    private volatile int written;

    private Load(PgDatabase source, String schema, SplittableRandom random) {
      thread = new Thread(() -> write(source, schema, random), "load");
      thread.start();
    }

    private void write(PgDatabase source, String schema, SplittableRandom random) {
      try (Connection connection = source.open("load");
          Statement statement = connection.createStatement()) {
        statement.execute("set search_path = " + schema);
        connection.setAutoCommit(false);
        while (!stopping.get()) {
          int account = 1 + random.nextInt(ACCOUNTS);
          int delta = random.nextInt(100);
          for (String sql :
              List.of(
                  "update accounts set balance = balance + %2$d where id = %1$d",
                  "insert into history"
                      + " select coalesce(max(id), 0) + 1, %1$d, %2$d from history")) {
            statement.execute(sql.formatted(account, delta));
          }
          connection.commit();
          written++;
          LockSupport.parkNanos(PACE.toNanos());
        }
      } catch (SQLException e) {
        // The embedded source goes with the process that is killed: that is what this load is for.
        stopping.set(true);
      }
    }

    void untilWritten(int more) {
      int until = written + more;
      Await.until(() -> written, count -> count >= until);
    }

    @Override
    public void close() {
      stopping.set(true);
      try {
        thread.join();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
