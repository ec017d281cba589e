package io.tidemark.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.Await;
import io.tidemark.Background;
import io.tidemark.TestStack;
import io.tidemark.sync.SyncState;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.parallel.Isolated;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A transaction that the stream has and no snapshot sees. Each commit is like that for a moment;
 * one that waits for a synchronous standby is for long.
 */
@Tag("engine")
@Isolated("has commits of the whole server wait")
class UnseenCommitTest {
  private static final String WAITING =
      " from pg_stat_activity where datname = current_database() and wait_event = 'SyncRep'";

  private final EngineFixture fixture = new EngineFixture();

  @AfterEach
  void stop() {
    alterSystem("reset synchronous_standby_names");
    alterSystem("reset synchronous_commit");
    fixture.close();
  }

  @ParameterizedTest
  @EnumSource(
      value = ExecutionMode.class,
      names = {"FULL", "MERGE"})
  void staysInTheTargetThroughAnExecutionBesideTheStream(ExecutionMode mode) throws Exception {
    String table = "create table t (id int primary key, v text)";
    TestStack.execute(fixture.source, table + "; insert into t values (1, 'old'), (2, 'old')");
    TestStack.execute(fixture.target, table);
    fixture.start();
    UUID t = fixture.create("t", "");
    fixture.awaitState(t, SyncState.STREAMING);

    // Only who asks for it waits for the standby, which does not exist.
    alterSystem("set synchronous_commit = 'local'");
    alterSystem("set synchronous_standby_names = 'nobody'");
    awaitCommitsThatWait();
    CompletableFuture<Void> commit =
        CompletableFuture.runAsync(
            () ->
                TestStack.execute(
                    fixture.source,
                    "set synchronous_commit = on;"
                        + " insert into t values (3, 'new'); update t set v = 'new' where id = 1"),
            Background.THREADS);
    Await.until(
        () ->
            TestStack.text(fixture.target, "select string_agg(v, ',' order by id) from t")
                .equals("new,old,new"));
    assertThat(TestStack.text(fixture.source, "select count(*) from t")).isEqualTo("2");

    Execution execution =
        EngineFixture.value(fixture.service().execute(t, mode, ExecutionTrigger.MANUAL));
    fixture.awaitCompleted(execution.id());

    assertThat(commit).isNotDone();
    assertThat(TestStack.text(fixture.target, "select string_agg(v, ',' order by id) from t"))
        .isEqualTo("new,old,new");
    alterSystem("reset synchronous_standby_names");
    Await.result(commit);
    fixture.awaitEqual("t");
  }

  /**
   * Returns once the server lets commits wait. That is told to its processes some time after the
   * reload, by the checkpointer; a commit before it waits for nobody.
   */
  private void awaitCommitsThatWait() {
    AtomicBoolean enough = new AtomicBoolean();
    CompletableFuture<Void> commits =
        CompletableFuture.runAsync(
            () -> {
              while (!enough.get()) {
                TestStack.execute(
                    fixture.source,
                    "set synchronous_commit = on;"
                        + " select pg_logical_emit_message(true, 'unseen-commit-test', '')");
              }
            },
            Background.THREADS);
    try {
      Await.until(() -> !TestStack.text(fixture.source, "select count(*)" + WAITING).equals("0"));
    } finally {
      enough.set(true);
      TestStack.execute(fixture.source, "select pg_cancel_backend(pid)" + WAITING);
    }
    commits.join();
  }

  private void alterSystem(String what) {
    TestStack.execute(fixture.source, "alter system " + what);
    TestStack.execute(fixture.source, "select pg_reload_conf()");
  }
}
