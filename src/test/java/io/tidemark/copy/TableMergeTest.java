package io.tidemark.copy;

import static io.tidemark.conflict.ConflictResolution.MANUAL;
import static io.tidemark.conflict.ConflictResolution.SOURCE_WINS;
import static io.tidemark.conflict.ConflictResolution.TARGET_WINS;
import static io.tidemark.conflict.ConflictResolution.TIMESTAMP;
import static io.tidemark.conflict.Verdict.APPLY;
import static io.tidemark.conflict.Verdict.KEEP;
import static io.tidemark.conflict.Verdict.REVIEW;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.tidemark.change.OperatingFailure;
import io.tidemark.change.RowKey;
import io.tidemark.change.ValueKind;
import io.tidemark.conflict.ConflictResolution;
import io.tidemark.conflict.ConflictType;
import io.tidemark.conflict.Detected;
import io.tidemark.copy.MergeOutcome.Completed;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What a merge leaves in the target and on record, strategy by strategy. */
@Tag("oldest-postgres")
@Tag("database")
class TableMergeTest {
  private static final String TABLE =
      "create table t (id int8 primary key, a text, n int4, ok bool, updated_at timestamptz)";
  private static final String ALL = "select id, a from t order by id";

  private PgFixture pg;
  private RecordedConflicts log;

  @BeforeEach
  void open() {
    pg = new PgFixture();
    log = new RecordedConflicts();
    pg.onBoth(TABLE);
    pg.onBoth(
        "insert into t select i, 'same', i, true, '2024-01-01Z' from generate_series(1, 500) i");
  }

  @AfterEach
  void close() {
    pg.close();
  }

  /** Rows 1 to 4 differ, the source alone has 501 and 502, the target alone 600. */
  private void diverge() {
    pg.atSource.execute("update t set a = 'source', updated_at = '2024-03-01Z' where id in (1, 2)");
    pg.atSource.execute("update t set a = 'source', updated_at = null where id in (3, 4)");
    pg.atTarget.execute("update t set a = 'target', updated_at = '2024-02-01Z' where id = 1");
    pg.atTarget.execute("update t set a = 'target', updated_at = '2024-04-01Z' where id = 2");
    pg.atTarget.execute("update t set a = 'target', updated_at = null where id = 3");
    pg.atTarget.execute("update t set a = 'target', updated_at = '-infinity' where id = 4");
    pg.atSource.execute("insert into t values (501, 'new'), (502, null)");
    pg.atTarget.execute("insert into t values (600, 'only at the target')");
  }

  private List<List<String>> changed() {
    return pg.atTarget.rows("select id, a from t where a is distinct from 'same' order by id");
  }

  private Completed merge(ConflictResolution strategy) {
    return Merges.completed(pg, pg.mapping("t"), strategy, MergeJoin.none(), log);
  }

  @Test
  void sourceWinsWritesTheSourcesRows() {
    diverge();

    Completed done = merge(SOURCE_WINS);

    assertThat(log.verdicts()).isEqualTo(Map.of("1", APPLY, "2", APPLY, "3", APPLY, "4", APPLY));
    assertThat(pg.targetRows(ALL + " limit 502")).isEqualTo(pg.sourceRows(ALL));
    assertThat(pg.atTarget.text("select a from t where id = 600")).isEqualTo("only at the target");
    assertCounts(done, 502, 2, 4, 496, 0, 4, 4);
  }

  @Test
  void targetWinsKeepsTheTargetsRows() {
    diverge();

    Completed done = merge(TARGET_WINS);

    assertThat(log.verdicts()).isEqualTo(Map.of("1", KEEP, "2", KEEP, "3", KEEP, "4", KEEP));
    assertThat(pg.atTarget.number("select count(*) from t where a = 'target'")).isEqualTo(4);
    assertCounts(done, 502, 2, 0, 496, 4, 4, 4);
  }

  @Test
  void timestampLetsTheNewerRowWin() {
    diverge();

    Completed done = merge(TIMESTAMP);

    // Row 3 has no time on either side, which is a tie; row 4 has one at the target alone.
    assertThat(log.verdicts()).isEqualTo(Map.of("1", APPLY, "2", KEEP, "3", APPLY, "4", KEEP));
    assertThat(pg.atTarget.rows("select a from t where id < 5 order by id"))
        .containsExactly(
            List.of("source"), List.of("target"), List.of("source"), List.of("target"));
    assertCounts(done, 502, 2, 2, 496, 2, 4, 4);
  }

  @Test
  void manualLeavesTheTargetsRowsAndAsksAPerson() {
    diverge();

    Completed done = merge(MANUAL);

    assertThat(log.verdicts())
        .isEqualTo(Map.of("1", REVIEW, "2", REVIEW, "3", REVIEW, "4", REVIEW));
    assertThat(pg.atTarget.number("select count(*) from t where a = 'target'")).isEqualTo(4);
    assertThat(pg.atTarget.number("select count(*) from t")).isEqualTo(503);
    assertCounts(done, 502, 2, 0, 496, 4, 4, 0);
  }

  @Test
  void rowsThatWaitForAPersonAreNotAskedAboutAgain() {
    diverge();
    merge(MANUAL);
    pg.atSource.execute("update t set a = 'newer' where id = 1");
    pg.atTarget.execute("delete from t where id = 2");

    Completed again = merge(MANUAL);

    assertThat(log.all()).hasSize(4);
    assertThat(pg.atTarget.number("select count(*) from t where id = 2")).isZero();
    assertThat(log.later())
        .filteredOn(later -> later.key().equals(RowKey.of("1")))
        .singleElement()
        .satisfies(later -> assertThat(later.source().value(1)).isEqualTo("newer"));
    assertCounts(again, 502, 0, 0, 498, 4, 0, 0);
  }

  @Test
  void recordsBothRowsAsTheyWereBeforeAnyWasWritten() {
    pg.atSource.execute("update t set a = null, n = 7, ok = false where id = 9");

    merge(SOURCE_WINS);

    Detected conflict = log.of("9");
    assertThat(conflict.type()).isEqualTo(ConflictType.MERGE_DIFFERS);
    assertThat(conflict.differing()).containsExactly("a", "n", "ok");
    assertThat(conflict.source().shape().columns())
        .containsExactly("id", "a", "n", "ok", "updated_at");
    assertThat(conflict.source().shape().kind(3)).isEqualTo(ValueKind.BOOLEAN);
    assertThat(conflict.source().value(1)).isNull();
    assertThat(conflict.source().value(3)).isEqualTo("f");
    assertThat(conflict.target().value(1)).isEqualTo("same");
    assertThat(conflict.target().value(2)).isEqualTo("9");
    assertThat(conflict.base()).isNull();
    assertThat(conflict.position()).isNull();
    assertThat(conflict.place().topic()).isEqualTo("topic");
    assertThat(conflict.place().partition()).isEqualTo(-1);
    assertThat(pg.atTarget.number("select n from t where id = 9")).isEqualTo(7);
  }

  @Test
  void theSecondOfTwoMergesFindsNothing() {
    diverge();
    merge(SOURCE_WINS);
    RecordedConflicts first = log;
    log = new RecordedConflicts();

    Completed second = merge(SOURCE_WINS);

    assertThat(first.all()).hasSize(4);
    assertThat(log.all()).isEmpty();
    assertCounts(second, 502, 0, 0, 502, 0, 0, 0);
    assertThat(second.bytes()).isLessThan(5_000);
  }

  @Test
  void whatIsKeptIsOneConflictHoweverOftenItIsFound() {
    diverge();

    merge(TARGET_WINS);
    merge(TARGET_WINS);
    int found = log.all().size();
    pg.atTarget.execute("update t set a = 'other' where id = 1");
    merge(TARGET_WINS);

    assertThat(found).isEqualTo(4);
    assertThat(log.all()).hasSize(5);
  }

  @Test
  void whatIsOverwrittenAgainIsAnotherConflict() {
    for (int i = 0; i < 2; i++) {
      pg.atTarget.execute("update t set a = 'target' where id = 1");
      merge(SOURCE_WINS);
    }

    assertThat(log.all()).hasSize(2);
  }

  @Test
  void recordsManyConflictsSomeAtATime() {
    pg.onBoth("insert into t select i, 'x' from generate_series(1001, 6000) i");
    pg.atTarget.execute("update t set a = repeat('y', 4000) where id > 1000");

    Completed done = merge(SOURCE_WINS);

    assertThat(log.all()).hasSize(5000);
    assertThat(log.batches()).allMatch(size -> size <= 500);
    assertThat(done.conflictsDetected()).isEqualTo(5000);
    assertThat(pg.atTarget.number("select count(*) from t where a = 'x'")).isEqualTo(5000);
  }

  @Test
  void anEmptyTargetIsLoaded() {
    pg.atTarget.execute("truncate t");

    Completed done = merge(MANUAL);

    assertThat(pg.targetRows(ALL)).isEqualTo(pg.sourceRows(ALL));
    assertThat(log.all()).isEmpty();
    assertCounts(done, 500, 500, 0, 0, 0, 0, 0);
  }

  @Test
  void anEmptySourceTakesNothingAway() {
    pg.atSource.execute("truncate t");

    Completed done = merge(SOURCE_WINS);

    assertThat(pg.atTarget.number("select count(*) from t")).isEqualTo(500);
    assertCounts(done, 0, 0, 0, 0, 0, 0, 0);
  }

  @Test
  void rowsOutsideTheFilterAreTheTargetsOwn() {
    pg.atSource.execute("update t set a = 'source' where id in (10, 300)");

    Completed done =
        Merges.completed(
            pg,
            pg.mapping("t", "t", Map.of(), "id <= 200 -- some"),
            SOURCE_WINS,
            MergeJoin.none(),
            log);

    assertThat(log.verdicts()).isEqualTo(Map.of("10", APPLY));
    assertCounts(done, 200, 0, 1, 199, 0, 1, 1);
  }

  @Test
  void refusesATimestampColumnThatIsNotMapped() {
    pg.atSource.execute("alter table t drop column updated_at");

    OperatingFailure failure = catchThrowableOfType(OperatingFailure.class, () -> merge(TIMESTAMP));

    assertThat(failure.code()).isEqualTo("timestamp_column_missing");
    assertThat(failure.kind()).isEqualTo(OperatingFailure.Kind.USER);
  }

  @Test
  void columnsThatAreNotMappedAreNotCompared() {
    pg.atTarget.execute("alter table t add own text default 'mine'");
    pg.atSource.execute("update t set a = 'source' where id = 1");

    Completed done = merge(SOURCE_WINS);

    assertCounts(done, 500, 0, 1, 499, 0, 1, 1);
    assertThat(pg.atTarget.number("select count(*) from t where own = 'mine'")).isEqualTo(500);
    assertThat(changed()).containsExactly(List.of("1", "source"));
  }

  private static void assertCounts(
      Completed done,
      long read,
      long inserted,
      long updated,
      long unchanged,
      long skipped,
      long detected,
      long resolved) {
    assertThat(done.rowsRead()).as("read").isEqualTo(read);
    assertThat(done.rowsInserted()).as("inserted").isEqualTo(inserted);
    assertThat(done.rowsUpdated()).as("updated").isEqualTo(updated);
    assertThat(done.rowsDeleted()).as("deleted").isZero();
    assertThat(done.rowsUnchanged()).as("unchanged").isEqualTo(unchanged);
    assertThat(done.rowsSkipped()).as("skipped").isEqualTo(skipped);
    assertThat(done.conflictsDetected()).as("detected").isEqualTo(detected);
    assertThat(done.conflictsResolved()).as("resolved").isEqualTo(resolved);
  }
}
