package io.tidemark.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.Await;
import io.tidemark.TestStack;
import io.tidemark.sync.SyncState;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A topic of several partitions that are written by two sessions at once. */
@Tag("engine")
class ParallelSessionsTest {
  private static final String WRITERS =
      """
      select count(*) from pg_stat_activity
      where datname = current_database() and application_name like '%apply%'
      """;

  private EngineFixture fixture = new EngineFixture(3, 2);
  private UUID t;

  @BeforeEach
  void streaming() {
    TestStack.execute(
        fixture.source,
        "create table t (id int primary key, v text);"
            + " insert into t select i, 'v' from generate_series(1, 3000) i");
    TestStack.execute(fixture.target, "create table t (id int primary key, v text)");
    fixture.start();
    t = fixture.create("t", "");
    fixture.awaitState(t, SyncState.STREAMING);
    fixture.awaitEqual("t");
  }

  @AfterEach
  void close() {
    fixture.close();
  }

  private String atTarget(String sql) {
    return TestStack.text(fixture.target, sql);
  }

  /** How many of the sessions have partitions by now. */
  private long readers() throws ExecutionException, InterruptedException {
    String group = "tidemark." + t;
    try (Admin admin = Admin.create(TestStack.kafka())) {
      return admin.describeConsumerGroups(List.of(group)).all().get().get(group).members().stream()
          .filter(member -> !member.assignment().topicPartitions().isEmpty())
          .count();
    }
  }

  @Test
  void writeAtTheSameTime() throws SQLException {
    Await.until(() -> readers() == 2);
    try (Connection holder = fixture.target.open("test");
        Statement statement = holder.createStatement()) {
      holder.setAutoCommit(false);
      statement.execute("select from t for update");
      TestStack.execute(fixture.source, "update t set v = 'held'");

      Await.until(() -> atTarget(WRITERS + "and wait_event_type = 'Lock'").equals("2"));

      assertThat(atTarget("select count(*) from t where v = 'held'")).isEqualTo("0");
      holder.rollback();
    }
    fixture.awaitEqual("t");
  }

  /** One that failed and then has nothing to do fails no more. */
  @Test
  void areWellTogetherAgainWhenOneHasNothingToDo() {
    fixture.close();
    fixture = new EngineFixture(1, 2);
    streaming();
    TestStack.execute(fixture.target, "alter table t rename to elsewhere");
    TestStack.execute(fixture.source, "update t set v = 'refused'");
    fixture.awaitState(t, SyncState.FAILED);
    TestStack.execute(fixture.target, "alter table elsewhere rename to t");

    fixture.awaitState(t, SyncState.STREAMING);
    fixture.awaitEqual("t");
  }

  /** Neither takes what the other one wrote for somebody else's. */
  @Test
  void areOneWriter() {
    assertThat(fixture.find(t).configuration().detection().mode().name()).isEqualTo("ORIGIN");
    for (int i = 0; i < 5; i++) {
      TestStack.execute(fixture.source, "update t set v = v || '" + i + "'");
    }
    fixture.awaitEqual("t");
    // The other way round, as after a start the partitions may be with the other session.
    fixture.start();
    TestStack.execute(fixture.source, "update t set v = 'last' where id % 2 = 0");
    TestStack.execute(fixture.source, "delete from t where id % 3 = 0");
    fixture.awaitEqual("t");

    assertThat(fixture.conflicts(t)).isEmpty();
  }

  /** What somebody else did write is still found, by either. */
  @Test
  void findConflicts() {
    TestStack.execute(fixture.target, "update t set v = 'theirs' where id <= 300");
    TestStack.execute(fixture.source, "update t set v = 'ours'");
    fixture.awaitEqual("t");

    assertThat(fixture.conflicts(t)).hasSize(300);
  }
}
