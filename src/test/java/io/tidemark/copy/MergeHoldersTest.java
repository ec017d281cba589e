package io.tidemark.copy;

import static io.tidemark.conflict.ConflictResolution.MANUAL;
import static io.tidemark.conflict.ConflictResolution.SOURCE_WINS;
import static io.tidemark.conflict.ConflictResolution.TARGET_WINS;
import static io.tidemark.conflict.ConflictResolution.TIMESTAMP;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.tidemark.change.OperatingFailure;
import io.tidemark.conflict.ConflictResolution;
import io.tidemark.conflict.ConflictType;
import io.tidemark.conflict.Detected;
import io.tidemark.conflict.Verdict;
import io.tidemark.copy.MergeOutcome.Completed;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Unique values that the source gave to one row and the target to another. */
@Tag("every-postgres")
@Tag("database")
class MergeHoldersTest {
  private static final String TABLE =
      """
      create table t (
        id int8 primary key, code text unique, a int, b int, updated_at timestamptz, unique (b, a))
      """;
  private static final String CODES = "select id, code from t where id < 500 order by id";

  private PgFixture pg;
  private RecordedConflicts log;

  @BeforeEach
  void open() {
    pg = new PgFixture();
    log = new RecordedConflicts();
    pg.onBoth(TABLE);
    pg.onBoth(
        "insert into t select i, 'code ' || i, i, i, '2024-01-01Z' from generate_series(500, 900) i");
  }

  @AfterEach
  void close() {
    pg.close();
  }

  private Completed merge(ConflictResolution strategy) {
    return Merges.completed(pg, pg.mapping("t"), strategy, MergeJoin.none(), log);
  }

  private List<Detected> unique() {
    return log.all().stream().filter(c -> c.type() == ConflictType.UNIQUE_VIOLATION).toList();
  }

  private void giveBothTheValue(String sourceTime, String targetTime) {
    pg.atSource.execute(
        "insert into t values (1, 'x', 1, 1, '%s'), (3, 'free', 3, 3, null)".formatted(sourceTime));
    pg.atTarget.execute("insert into t values (2, 'x', 2, 2, '%s')".formatted(targetTime));
  }

  @Test
  void sourceWinsAndTheTargetsRowGivesWay() {
    giveBothTheValue("2024-01-01Z", "2025-01-01Z");

    Completed done = merge(SOURCE_WINS);

    assertThat(pg.targetRows(CODES)).containsExactly(List.of("1", "x"), List.of("3", "free"));
    assertThat(unique()).singleElement().satisfies(MergeHoldersTest::namesBothRows);
    assertThat(unique().get(0).verdict()).isEqualTo(Verdict.APPLY);
    assertThat(done.rowsInserted()).isEqualTo(2);
    assertThat(done.rowsDeleted()).isEqualTo(1);
    assertThat(done.rowsUnchanged()).isEqualTo(401);
    assertThat(done.conflictsDetected()).isEqualTo(1);
    assertThat(done.conflictsResolved()).isEqualTo(1);
  }

  private static void namesBothRows(Detected conflict) {
    assertThat(conflict.key().value(0)).isEqualTo("1");
    assertThat(conflict.source().value(0)).isEqualTo("1");
    assertThat(conflict.target().value(0)).isEqualTo("2");
    assertThat(conflict.differing()).containsExactly("code");
  }

  @Test
  void aHolderUnderAnExpressionOrAmongSomeOfTheRowsIsFound() {
    pg.atTarget.execute(
        """
        alter table t drop constraint t_code_key, drop constraint t_b_a_key;
        create unique index on t (lower(code)) where a < 100
        """);
    pg.atSource.execute("insert into t values (1, 'X', 1, 1), (3, 'y', 3, 3)");
    pg.atTarget.execute("insert into t values (2, 'x', 2, 2), (4, 'Y', 400, 4)");

    Completed done = merge(SOURCE_WINS);

    assertThat(pg.targetRows(CODES))
        .containsExactly(List.of("1", "X"), List.of("3", "y"), List.of("4", "Y"));
    assertThat(unique())
        .singleElement()
        .satisfies(
            conflict -> {
              assertThat(conflict.target().value(0)).isEqualTo("2");
              assertThat(conflict.differing()).containsExactly("code", "a");
            });
    assertThat(done.rowsDeleted()).isEqualTo(1);
  }

  @Test
  void targetWinsAndTheSourcesRowStaysAway() {
    giveBothTheValue("2025-01-01Z", "2024-01-01Z");

    Completed done = merge(TARGET_WINS);
    merge(TARGET_WINS);

    assertThat(pg.targetRows(CODES)).containsExactly(List.of("2", "x"), List.of("3", "free"));
    assertThat(unique()).singleElement().satisfies(MergeHoldersTest::namesBothRows);
    assertThat(unique().get(0).verdict()).isEqualTo(Verdict.KEEP);
    assertThat(done.rowsInserted()).isEqualTo(1);
    assertThat(done.rowsSkipped()).isEqualTo(1);
    assertThat(done.conflictsDetected()).isEqualTo(1);
  }

  @Test
  void theNewerRowHasTheValueByTimestamp() {
    giveBothTheValue("2024-01-01Z", "2025-01-01Z");
    pg.atSource.execute("insert into t values (4, 'y', 4, 4, '2025-01-01Z')");
    pg.atTarget.execute("insert into t values (5, 'y', 5, 5, '2024-01-01Z')");

    merge(TIMESTAMP);

    assertThat(pg.targetRows(CODES))
        .containsExactly(List.of("2", "x"), List.of("3", "free"), List.of("4", "y"));
  }

  @Test
  void aPersonIsAskedOnceAndTheRestFlows() {
    giveBothTheValue("2024-01-01Z", "2025-01-01Z");

    Completed done = merge(MANUAL);
    merge(MANUAL);

    assertThat(pg.targetRows(CODES)).containsExactly(List.of("2", "x"), List.of("3", "free"));
    assertThat(unique()).singleElement().satisfies(MergeHoldersTest::namesBothRows);
    assertThat(unique().get(0).verdict()).isEqualTo(Verdict.REVIEW);
    assertThat(done.conflictsResolved()).isZero();
  }

  @Test
  void aRowThatWaitsForAPersonKeepsItsValueUnderEveryStrategy() {
    pg.onBoth("insert into t values (2, 'ours', 2, 2)");
    pg.atTarget.execute("update t set code = 'x' where id = 2");
    merge(MANUAL);
    pg.atSource.execute("insert into t values (1, 'x', 1, 1)");

    merge(SOURCE_WINS);

    assertThat(pg.targetRows(CODES)).containsExactly(List.of("2", "x"));
    assertThat(unique()).singleElement().satisfies(MergeHoldersTest::namesBothRows);
    assertThat(unique().get(0).verdict()).isEqualTo(Verdict.REVIEW);
  }

  @Test
  void aRowThatGivesWayBecomesWhatTheSourceHasOfIt() {
    pg.onBoth("insert into t values (2, 'ours', 2, 2, '2024-01-01Z')");
    pg.atTarget.execute("update t set code = 'x', updated_at = '2024-06-01Z' where id = 2");
    pg.atSource.execute("insert into t values (1, 'x', 1, 1, '2025-01-01Z')");

    merge(TIMESTAMP);

    assertThat(pg.targetRows(CODES)).isEqualTo(pg.sourceRows(CODES));
    assertThat(unique()).singleElement().satisfies(MergeHoldersTest::namesBothRows);
  }

  /** Row 1 stays away, so row 6's old value does not come free for row 7. */
  @Test
  void whatStaysAwayLeavesItsOwnOldValueTaken() {
    pg.onBoth("insert into t values (6, 'old', 6, 6, '2024-01-01Z')");
    pg.atSource.execute("update t set code = 'x', updated_at = '2024-05-01Z' where id = 6");
    pg.atTarget.execute("insert into t values (2, 'x', 2, 2, '2025-01-01Z')");
    pg.atSource.execute("insert into t values (7, 'old', 7, 7, '2023-01-01Z')");

    merge(TIMESTAMP);

    assertThat(pg.targetRows(CODES)).containsExactly(List.of("2", "x"), List.of("6", "old"));
    assertThat(unique()).hasSize(2).allMatch(one -> one.verdict() == Verdict.KEEP);
  }

  @Test
  void oneRowMayTakeTheValuesOfSeveral() {
    pg.atSource.execute("insert into t values (1, 'x', 10, 11)");
    pg.atTarget.execute("insert into t values (2, 'x', 2, 2), (3, 'y', 10, 11)");

    Completed done = merge(SOURCE_WINS);

    assertThat(pg.targetRows(CODES)).containsExactly(List.of("1", "x"));
    assertThat(unique()).hasSize(2);
    assertThat(unique())
        .extracting(one -> one.target().value(0))
        .containsExactlyInAnyOrder("2", "3");
    assertThat(done.rowsDeleted()).isEqualTo(2);
  }

  @Test
  void valuesThatWanderAmongTheSourcesRowsAreNoConflict() {
    pg.onBoth("insert into t values (1, 'x', 1, 1), (2, 'y', 2, 2), (3, 'z', 3, 3)");
    pg.atSource.execute("delete from t where id in (1, 2)");
    pg.atSource.execute("insert into t values (1, 'y', 1, 1), (2, 'x', 2, 2)");

    merge(SOURCE_WINS);

    assertThat(pg.targetRows(CODES)).isEqualTo(pg.sourceRows(CODES));
    assertThat(unique()).isEmpty();
  }

  @Test
  void deferredAndNullableUniqueValuesToo() {
    pg.onBoth("alter table t drop constraint t_code_key");
    pg.onBoth("alter table t add unique nulls not distinct (code) deferrable initially deferred");
    pg.atSource.execute("insert into t values (1, null, 1, 1)");
    pg.atTarget.execute("insert into t values (2, null, 2, 2)");

    merge(SOURCE_WINS);

    assertThat(pg.targetRows("select id from t where code is null")).containsExactly(List.of("1"));
    assertThat(unique()).hasSize(1);
  }

  @Test
  void partitionsOfTheTargetToo() {
    pg.atTarget.execute("drop table t");
    pg.atTarget.execute(
        """
        create table t (id int8, code text, a int, b int, updated_at timestamptz,
          primary key (id, a), unique (code, a)) partition by range (a);
        create table t_1 partition of t for values from (minvalue) to (600);
        create table t_2 partition of t for values from (600) to (maxvalue);
        insert into t select i, 'code ' || i, i, i, '2024-01-01Z' from generate_series(500, 900) i
        """);
    pg.atSource.execute("insert into t values (1, 'x', 1, 1), (2, 'y', 901, 2)");
    pg.atTarget.execute("insert into t values (3, 'x', 1, 1), (4, 'y', 901, 2)");

    merge(SOURCE_WINS);

    assertThat(pg.targetRows(CODES)).isEqualTo(pg.sourceRows(CODES));
    assertThat(unique()).hasSize(2);
  }

  @Test
  void manyAtOnce() {
    pg.atSource.execute(
        "insert into t select i, 'c' || i, i, i from generate_series(1001, 21000) i");
    pg.atTarget.execute(
        "insert into t select 50000 + i, 'c' || i, -i, i from generate_series(1001, 21000) i");

    Completed done = merge(SOURCE_WINS);

    assertThat(pg.targetRows("select count(*) from t"))
        .isEqualTo(pg.sourceRows("select count(*) from t"));
    assertThat(done.conflictsDetected()).isEqualTo(20_000);
  }

  @Test
  void aSourceThatDoesNotKeepTheTargetsValuesUniqueIsRefusedWhole() {
    pg.atSource.execute("alter table t drop constraint t_code_key");
    pg.atSource.execute("insert into t values (1, 'x', 1, 1), (2, 'x', 2, 2)");

    OperatingFailure failure =
        catchThrowableOfType(OperatingFailure.class, () -> merge(SOURCE_WINS));

    assertThat(failure.code()).isEqualTo("unique_violation");
    assertThat(pg.targetRows(CODES)).isEmpty();
    assertThat(log.all()).isEmpty();
  }
}
