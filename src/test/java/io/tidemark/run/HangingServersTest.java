package io.tidemark.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.Await;
import io.tidemark.TcpProxy;
import io.tidemark.TestStack;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.sync.SyncState;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
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
  private static final Pattern PORT = Pattern.compile("127\\.0\\.0\\.1:(\\d+)");

  private final EngineFixture fixture = new EngineFixture();
  private final TcpProxy toSource = new TcpProxy(portOf(fixture.source));
  private final TcpProxy toTarget = new TcpProxy(portOf(fixture.target));
  private UUID t;

  @BeforeEach
  void stream() {
    for (PgDatabase database : new PgDatabase[] {fixture.source, fixture.target}) {
      TestStack.execute(database, "create table t (id int primary key)");
    }
    fixture.start(through(fixture.source, toSource), through(fixture.target, toTarget));
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
  void theSourceHangs() {
    toSource.hang();
    write();
    awaitProblem("capture of connection 'source'", "");
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

  private static int portOf(PgDatabase database) {
    Matcher port = PORT.matcher(database.url());
    if (!port.find()) {
      throw new IllegalStateException("a database of a test is on loopback");
    }
    return Integer.parseInt(port.group(1));
  }

  private static PgDatabase through(PgDatabase database, TcpProxy proxy) {
    return new PgDatabase(
        database.connection(),
        database.url().replaceFirst(PORT.pattern(), "127.0.0.1:" + proxy.port()),
        database.username(),
        database.password());
  }
}
