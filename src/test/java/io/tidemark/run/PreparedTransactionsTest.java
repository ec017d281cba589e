package io.tidemark.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.Await;
import io.tidemark.Background;
import io.tidemark.TestStack;
import io.tidemark.sync.SyncState;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Two-phase commit at the source: what is prepared has no session, and lasts until it is ended. */
@Tag("engine")
class PreparedTransactionsTest {
  private static final String TABLE = "create table t (id int primary key, v text);";

  private static final String LEFT =
      "select string_agg(quote_literal(gid), ',') from pg_prepared_xacts"
          + " where database = current_database()";

  private static final String PUBLISHED =
      "select exists (select from pg_publication_tables where tablename = 't')";

  private final KeptTables tables = new KeptTables();

  @AfterEach
  void stop() {
    // What a failed test leaves open would keep every later slot of this server from beginning.
    for (String left : TestStack.text(tables.fixture.source, LEFT).split(",")) {
      if (!left.equals("null")) {
        tables.source("rollback prepared " + left);
      }
    }
    tables.close();
  }

  /** Its name is unique in the server. */
  private String transaction(String name) {
    return "'" + tables.fixture.prefix + name + "'";
  }

  private void prepare(String name, String changes) {
    tables.source("begin; " + changes + "; prepare transaction " + transaction(name));
  }

  private void commit(String name) {
    tables.source("commit prepared " + transaction(name));
  }

  @Test
  void preparedChangesArriveWithTheirCommit() {
    tables.both(TABLE);
    tables.source("insert into t values (1, 'a'), (2, 'b'), (3, 'c')");
    tables.keep("t");

    prepare(
        "kept",
        "update t set v = 'prepared' where id = 1; savepoint s; insert into t values (10, 'x')");
    prepare("undone", "insert into t values (11, 'never'); delete from t where id = 2");
    tables.source("insert into t values (4, 'd'); update t set v = 'c2' where id = 3");
    tables.assertInStep("t");
    tables.source("rollback prepared " + transaction("undone"));
    tables.copy("t");
    tables.source("insert into t values (5, 'e')");
    tables.assertInStep("t");
    commit("kept");

    tables.assertInStep("t");
    assertThat(TestStack.text(tables.fixture.target, "select v from t where id = 1"))
        .isEqualTo("prepared");
  }

  @Test
  void aCopyMissesNothingOfWhatIsPreparedMeanwhile() {
    tables.both(TABLE);
    tables.source("insert into t select i, 'v' from generate_series(1, 1000) i");
    tables.keep("t");

    prepare("before", "update t set v = 'before' where id <= 10; insert into t values (2000, 'x')");
    tables.target("update t set v = 'strayed'");
    Execution full =
        EngineFixture.value(
            tables
                .fixture
                .service()
                .execute(tables.configuration("t"), ExecutionMode.FULL, ExecutionTrigger.MANUAL));
    prepare("during", "update t set v = 'during' where id between 11 and 20");
    tables.fixture.awaitCompleted(full.id());
    commit("during");
    commit("before");

    tables.assertInStep("t");
  }

  /** Its first changes are from before the table was in the log. */
  @Test
  void aTableJoinsOnceWhatWasPreparedBeforeHasEnded() {
    tables.both(TABLE + "create table first (id int primary key)");
    tables.source("insert into t values (1, 'a')");
    tables.keep("first");
    prepare("early", "insert into t values (2, 'early'); update t set v = 'early' where id = 1");

    CompletableFuture<UUID> made =
        CompletableFuture.supplyAsync(() -> tables.fixture.create("t", ""), Background.THREADS);
    Await.until(() -> TestStack.text(tables.fixture.source, PUBLISHED).equals("t"));
    tables.source("insert into t values (3, 'meanwhile')");
    assertThat(made).isNotDone();
    commit("early");

    UUID t = made.join();
    tables.fixture.awaitState(t, SyncState.STREAMING);
    tables.source("insert into t values (4, 'late')");
    tables.fixture.awaitEqual("t");
    tables.assertUndisturbed(t);
  }

  @Test
  void theFirstSlotSaysWhatItWaitsFor() {
    tables.both(TABLE);
    prepare("early", "insert into t values (1, 'early')");

    CompletableFuture<UUID> made =
        CompletableFuture.supplyAsync(() -> tables.fixture.create("t", ""), Background.THREADS);
    Await.untilAsserted(
        () ->
            assertThat(tables.fixture.engine().captures())
                .extracting(CaptureStatus::stateReason)
                .singleElement(InstanceOfAssertFactories.STRING)
                .contains("is being made", "pg_prepared_xacts"));
    assertThat(made).isNotDone();
    commit("early");

    tables.fixture.awaitState(made.join(), SyncState.STREAMING);
    tables.fixture.awaitEqual("t");
  }
}
