package io.tidemark.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.Await;
import io.tidemark.TestStack;
import io.tidemark.embedded.EmbeddedStack.Part;
import io.tidemark.embedded.ForkedStack;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.sync.SyncState;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * The target's server dies with the log that it has not written yet. It writes as late as it can
 * here, so that the last moments are lost as a rule.
 */
@Tag("engine")
class TargetCrashTest {
  private static final String TABLE = "create table t (id int primary key, v text)";

  /** Crashes until one has been seen to take something back. */
  private static final int ROUNDS_MAX = 8;

  private final EngineFixture fixture = new EngineFixture();
  private ForkedStack server;
  private PgDatabase target;

  @BeforeEach
  void open() throws IOException {
    Path parent = Files.createDirectories(Path.of("target", "crash-data").toAbsolutePath());
    server = ForkedStack.start(Files.createTempDirectory(parent, "target-"), Part.POSTGRES);
    target = new PgDatabase("target", server.jdbcUrl(), "tidemark", "tidemark");
    TestStack.execute(target, "alter system set wal_writer_delay = '10s'");
    TestStack.execute(target, "select pg_reload_conf()");
    TestStack.execute(fixture.source, TABLE);
    TestStack.execute(target, TABLE);
    fixture.start(fixture.source, target);
  }

  @AfterEach
  void close() throws IOException {
    fixture.close();
    server.close();
  }

  @Test
  void appliesAgainWhatTheTargetForgot() throws Exception {
    UUID t = fixture.create("t", "");
    fixture.awaitState(t, SyncState.STREAMING);
    boolean lost = false;
    for (int round = 1; round <= 2 || (!lost && round <= ROUNDS_MAX); round++) {
      TestStack.execute(
          fixture.source,
          "insert into t select %1$d * 100 + i, 'new' from generate_series(1, 50) i;"
                  .formatted(round)
              + " update t set v = 'round %1$d' where id %% 7 = %1$d".formatted(round));
      awaitEqual();

      crash();
      // The loop may be quicker than this look, or the server had written its log by chance.
      lost |= !content(target).equals(content(fixture.source));
      awaitEqual();
    }

    // Else nothing was shown.
    assertThat(lost).isTrue();
    assertThat(fixture.conflicts(t)).isEmpty();
  }

  @Test
  void whatAnExecutionHasCompletedIsThereAfterwards() throws Exception {
    UUID t = fixture.create("t", ", \"sync_interval_seconds\": 86400");
    Await.until(() -> isCompleted(fixture.find(t).lastExecution()));
    TestStack.execute(
        fixture.source, "insert into t select i, 'new' from generate_series(1, 50) i");

    execute(t);
    crash();

    assertThat(content(target)).isEqualTo(content(fixture.source));
  }

  private static boolean isCompleted(@Nullable Execution first) {
    return first != null && first.status() == ExecutionStatus.COMPLETED;
  }

  private void execute(UUID configuration) {
    Execution execution =
        EngineFixture.value(
            fixture
                .service()
                .execute(configuration, ExecutionMode.INCREMENTAL, ExecutionTrigger.MANUAL));
    fixture.awaitCompleted(execution.id());
  }

  /** As the server treats any of its processes that is killed: it begins anew from its log. */
  private void crash() throws SQLException {
    try (Connection session = target.open("crash");
        Statement statement = session.createStatement();
        ResultSet pid = statement.executeQuery("select pg_backend_pid()")) {
      pid.next();
      ProcessHandle.of(pid.getLong(1)).orElseThrow().destroyForcibly();
      Await.until(() -> !session.isValid(1));
    }
    Await.until(this::answers);
  }

  private boolean answers() {
    try (Connection session = target.open("crash")) {
      return session.isValid(1);
    } catch (SQLException e) {
      return false;
    }
  }

  private void awaitEqual() {
    // While it recovers, the server refuses sessions.
    Await.untilAsserted(
        () ->
            assertThat(Await.untilSucceeds(IllegalStateException.class, () -> content(target)))
                .isEqualTo(content(fixture.source)));
  }

  private static String content(PgDatabase database) {
    return EngineFixture.content(database, "t");
  }
}
