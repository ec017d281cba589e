package io.tidemark.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.Await;
import io.tidemark.TcpProxy;
import io.tidemark.TestStack;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.sync.SyncState;
import java.sql.Connection;
import java.sql.Statement;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * A connection that stays open and lets nothing through is a failure with a name, and what hangs on
 * it is cut off and made again.
 */
@Tag("engine")
class HangingServersTest {
  private static final String WAITS =
      """
      select count(*)
      from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'
      """;

  private final EngineFixture fixture = new EngineFixture();
  private final TcpProxy toSource = TcpProxy.to(fixture.source);
  private final TcpProxy toTarget = TcpProxy.to(fixture.target);
  private UUID t;

  @BeforeEach
  void stream() {
    for (PgDatabase database : new PgDatabase[] {fixture.source, fixture.target}) {
      TestStack.execute(database, "create table t (id int primary key)");
    }
    fixture.start(toSource.through(fixture.source), toTarget.through(fixture.target));
    t = fixture.create("t", "");
    write();
    fixture.awaitEqual("t");
    fixture.awaitState(t, SyncState.STREAMING);
    Await.untilAsserted(() -> assertThat(fixture.engine().problems()).isEmpty());
  }

  @AfterEach
  void close() {
    toSource.resume();
    toTarget.resume();
    fixture.close();
    toSource.close();
    toTarget.close();
  }

  @Test
  void theTargetHangs() {
    toTarget.hang();
    write();
    awaitProblem("configuration 't'", "target");
    toTarget.resume();
    assertRecovers();
  }

  @Test
  void theTargetsConnectionsAreForgotten() {
    toTarget.forgetConnections();
    write();
    assertRecovers();
  }

  @Test
  void theTargetForgetsASessionThatHoldsLocks() throws Exception {
    Connection holder = fixture.target.open("holder");
    holder.setAutoCommit(false);
    try (Statement statement = holder.createStatement()) {
      statement.execute("insert into t values (301)");
      write();
      Await.until(() -> TestStack.text(fixture.target, WAITS), "1"::equals);
      // The server writes the rows now, and nobody hears of it or ends the transaction.
      toTarget.forgetConnections();
    }
    holder.rollback();
    holder.close();
    assertRecovers();
  }

  @Test
  void theSourceHangs() {
    toSource.hang();
    write();
    awaitProblem("capture of connection 'source'", "");
    toSource.resume();
    assertRecovers();
  }

  @Test
  void theReplicationStreamHangs() {
    toSource.hangReplication();
    write();
    awaitProblem("capture of connection 'source'", "");
    toSource.resume();
    assertRecovers();
  }

  @Test
  void aCopyThatWaitsForTheCaptureCanBeCancelled() {
    toSource.hangReplication();
    write();
    UUID copy =
        EngineFixture.value(
                fixture.service().execute(t, ExecutionMode.FULL, ExecutionTrigger.MANUAL))
            .id();
    Await.until(
        () -> String.valueOf(fixture.execution(copy).progress()),
        progress -> progress.contains("phase=catch_up"));

    EngineFixture.value(fixture.service().cancel(copy));

    Await.until(() -> fixture.execution(copy).status(), ExecutionStatus.CANCELLED::equals);
    toSource.resume();
    assertRecovers();
  }

  @Test
  void theSourcesConnectionsAreForgotten() {
    toSource.forgetConnections();
    write();
    assertRecovers();
  }

  @Test
  void bothAreReset() {
    toSource.reset();
    toTarget.reset();
    write();
    assertRecovers();
  }

  private void write() {
    TestStack.execute(
        fixture.source,
        "insert into t select m + g from generate_series(1, 300) g,"
            + " (select coalesce(max(id), 0) m from t) m");
  }

  private void awaitProblem(String who, String what) {
    Await.untilAsserted(
        () ->
            assertThat(fixture.engine().problems())
                .anyMatch(problem -> problem.startsWith(who) && problem.contains(what)));
  }

  private void assertRecovers() {
    fixture.awaitEqual("t");
    write();
    fixture.awaitEqual("t");
    fixture.awaitState(t, SyncState.STREAMING);
    Await.untilAsserted(() -> assertThat(fixture.engine().problems()).isEmpty());
  }
}
