package io.tidemark.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.Await;
import io.tidemark.TestStack;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.sync.SyncState;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Statements that rewrite a whole table, as a change of a column's type does: they leave each row
 * with them as its writer, and yet nobody has written one.
 */
@Tag("every-postgres")
@Tag("engine")
class TableRewriteTest {
  private static final String TABLE = "create table t (id int primary key, v text, n int)";
  private static final String REWRITE = "alter table t alter column n type bigint";

  private final EngineFixture fixture = new EngineFixture();

  @BeforeEach
  void tables() {
    atSource(TABLE + "; insert into t select i, 'v' || i, i from generate_series(1, 10) i");
    atTarget(TABLE);
    fixture.start();
  }

  @AfterEach
  void close() {
    fixture.close();
  }

  private void atSource(String sql) {
    TestStack.execute(fixture.source, sql);
  }

  private void atTarget(String sql) {
    TestStack.execute(fixture.target, sql);
  }

  private UUID stream(String fields) {
    UUID configuration = fixture.create("t", fields);
    fixture.awaitState(configuration, SyncState.STREAMING);
    fixture.awaitEqual("t");
    return configuration;
  }

  private static String ask(PgDatabase database, int id) {
    return TestStack.text(database, "select v from t where id = " + id);
  }

  /** In step, and the flow goes on. */
  private void awaitInStep(UUID configuration) {
    fixture.awaitState(configuration, SyncState.STREAMING);
    fixture.awaitEqual("t");
    assertThat(fixture.conflicts(configuration)).isEmpty();
  }

  /** Rows that the copy wrote and rows that the stream wrote, changed and deleted. */
  @ParameterizedTest
  @ValueSource(strings = {"manual", "target_wins"})
  void aRewrittenTargetIsNobodysWrite(String resolution) {
    UUID t =
        stream(
            ", \"conflict_detection\": \"origin\", \"conflict_resolution\": \"%s\""
                .formatted(resolution));
    atSource("update t set v = 'streamed' where id < 4");
    fixture.awaitEqual("t");
    atTarget(REWRITE);

    atSource(
        "update t set v = 'after' where id in (2, 5); delete from t where id in (3, 6);"
            + " update t set id = 20 where id = 7; insert into t values (21, 'new', 1)");

    awaitInStep(t);
  }

  @Test
  void whoWritesARewrittenRowIsSeenAsEver() {
    UUID t =
        stream(", \"conflict_detection\": \"origin\", \"conflict_resolution\": \"target_wins\"");
    atTarget(REWRITE);
    atTarget("update t set v = 'of the target' where id = 2");

    atSource("update t set v = 'of the source' where id in (2, 3)");

    Await.untilAsserted(() -> assertThat(ask(fixture.target, 3)).isEqualTo("of the source"));
    assertThat(ask(fixture.target, 2)).isEqualTo("of the target");
    assertThat(fixture.conflicts(t)).hasSize(1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"manual", "source_wins"})
  void inBothDirectionsEachSidesChangesArrive(String resolution) {
    UUID t = streamBothWays(resolution);
    rewriteBoth();

    atSource("update t set v = 's' where id = 2; delete from t where id = 3");
    atTarget("update t set v = 't' where id = 4; delete from t where id = 5");

    awaitInStep(t);
    for (PgDatabase side : List.of(fixture.source, fixture.target)) {
      assertThat(ask(side, 2)).isEqualTo("s");
      assertThat(ask(side, 4)).isEqualTo("t");
      assertThat(TestStack.text(side, "select count(*) from t")).isEqualTo("8");
    }
  }

  /**
   * What users of both sides wrote before the statements, and is still on its way, is in conflict.
   */
  @Test
  void changesThatWereUnderWayAreStillInConflict() {
    UUID t = streamBothWays("manual");
    fixture.service().pause(t);
    fixture.awaitState(t, SyncState.PAUSED);
    atSource("update t set v = 's' where id in (2, 3)");
    atTarget("update t set v = 't' where id in (2, 4)");
    rewriteBoth();
    fixture.awaitCaptured();
    fixture.service().resume(t);

    Await.untilAsserted(
        () -> {
          assertThat(ask(fixture.target, 3)).isEqualTo("s");
          assertThat(ask(fixture.source, 4)).isEqualTo("t");
          assertThat(fixture.conflicts(t)).hasSize(1);
        });
    assertThat(ask(fixture.source, 2)).isEqualTo("s");
    assertThat(ask(fixture.target, 2)).isEqualTo("t");
  }

  private UUID streamBothWays(String resolution) {
    return stream(
        ", \"sync_strategy\": \"merge\", \"bidirectional\": true, \"conflict_resolution\": \"%s\""
            .formatted(resolution));
  }

  private void rewriteBoth() {
    atSource(REWRITE);
    atTarget(REWRITE);
  }
}
