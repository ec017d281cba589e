package io.tidemark.apply;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.change.RowKey;
import io.tidemark.conflict.ConflictDetection;
import io.tidemark.conflict.ConflictPolicy;
import io.tidemark.conflict.ConflictResolution;
import io.tidemark.conflict.ConflictType;
import io.tidemark.conflict.Detected;
import io.tidemark.conflict.Verdict;
import io.tidemark.sync.DeleteHandling;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * Each type of conflict under each strategy: what the target holds after, and what is on record.
 */
@Tag("every-postgres")
@Tag("database")
final class ConflictTest {
  private static final String EARLY = "2020-01-01 00:00:00+00";
  private static final String LATE = "2030-01-01 00:00:00+00";

  /** What a case does before the batch under test, as the others' writes and as the source's. */
  private interface Scenario {
    void run(ApplyFixture fixture) throws SQLException;
  }

  /**
   * @param applied the target's rows if the source's side stands
   * @param kept the target's rows if the target's side stands
   * @param newer the rows under timestamp; the others' rows in all cases are of LATE, the source's
   *     of EARLY
   */
  private record Case(
      ConflictType type, Scenario scenario, String applied, String kept, String newer) {}

  private static final List<Case> CASES =
      List.of(
          new Case(
              ConflictType.INSERT_EXISTS,
              f -> {
                f.others("insert into item values (1, 'theirs', null, '" + LATE + "')");
                f.insert("1", "ours", null, EARLY, null);
              },
              "1,ours,,",
              "1,theirs,,",
              "1,theirs,,"),
          new Case(
              ConflictType.UPDATE_ORIGIN_DIFFERS,
              f -> {
                f.insert("1", "first", null, EARLY, null);
                f.apply();
                f.others("update item set name = 'theirs', at = '" + LATE + "'");
                f.update("1", "ours", null, EARLY, null);
              },
              "1,ours,,",
              "1,theirs,,",
              "1,theirs,,"),
          new Case(
              ConflictType.UPDATE_MISSING,
              f -> {
                f.insert("1", "first", null, EARLY, null);
                f.apply();
                f.others("delete from item");
                f.update("1", "ours", null, EARLY, null);
              },
              "1,ours,,",
              "",
              "1,ours,,"),
          new Case(
              ConflictType.DELETE_ORIGIN_DIFFERS,
              f -> {
                f.insert("1", "first", null, EARLY, null);
                f.apply();
                f.others("update item set name = 'theirs', at = '" + LATE + "'");
                f.delete("1");
              },
              "",
              "1,theirs,,",
              "1,theirs,,"),
          new Case(
              ConflictType.DELETE_MISSING,
              f -> {
                f.insert("1", "first", null, EARLY, null);
                f.apply();
                f.others("delete from item");
                f.delete("1");
              },
              "",
              "",
              ""),
          new Case(
              ConflictType.UNIQUE_VIOLATION,
              f -> {
                f.others("insert into item values (9, 'theirs', 'A', '" + LATE + "')");
                f.insert("1", "ours", "A", EARLY, null);
              },
              "1,ours,A,",
              "9,theirs,A,",
              "9,theirs,A,"));

  @TestFactory
  List<DynamicTest> sourceWinsPutsTheSourcesRow() {
    return of(ConflictResolution.SOURCE_WINS, Case::applied);
  }

  @TestFactory
  List<DynamicTest> targetWinsKeepsTheTargetsRow() {
    return of(ConflictResolution.TARGET_WINS, Case::kept);
  }

  @TestFactory
  List<DynamicTest> timestampLetsTheNewerRowStand() {
    return of(ConflictResolution.TIMESTAMP, Case::newer);
  }

  @TestFactory
  List<DynamicTest> manualKeepsTheTargetsRowUntilAPersonDecides() {
    return of(ConflictResolution.MANUAL, Case::kept);
  }

  private interface Expectation {
    String of(Case one);
  }

  private static List<DynamicTest> of(ConflictResolution strategy, Expectation expected) {
    return CASES.stream()
        .map(
            one ->
                DynamicTest.dynamicTest(
                    one.type() + " under " + strategy, () -> check(strategy, one, expected)))
        .toList();
  }

  private static void check(ConflictResolution strategy, Case one, Expectation expected)
      throws SQLException {
    try (ApplyFixture fixture = new ApplyFixture(strategy, ConflictDetection.ORIGIN)) {
      one.scenario().run(fixture);

      RowCounts counts = fixture.apply();

      assertThat(fixture.rows()).isEqualTo(expected.of(one));
      Detected conflict = fixture.onlyConflict();
      assertThat(conflict.type()).isEqualTo(one.type());
      assertThat(conflict.rowKey()).isEqualTo(RowKey.of("1"));
      assertThat(counts.conflictsDetected()).isEqualTo(1);
      boolean decided = conflict.verdict() != Verdict.REVIEW;
      assertThat(counts.conflictsResolved()).isEqualTo(decided ? 1 : 0);
      assertThat(decided)
          .isEqualTo(
              strategy != ConflictResolution.MANUAL || one.type() == ConflictType.DELETE_MISSING);
      assertThat(fixture.parked.all()).isEmpty();
    }
  }

  @Test
  void recordsBothRowsAndTheColumnsInWhichTheyDiffer() throws SQLException {
    try (ApplyFixture f =
        new ApplyFixture(ConflictResolution.SOURCE_WINS, ConflictDetection.ORIGIN)) {
      f.insert("1", "first", "A", EARLY, "n");
      f.apply();
      f.others("update item set name = 'theirs'");
      f.update("1", "ours", "A", EARLY, "n");

      f.apply();

      Detected conflict = f.onlyConflict();
      assertThat(conflict.source()).isEqualTo(ApplyFixture.row("1", "ours", "A", EARLY, "n"));
      assertThat(conflict.target()).isEqualTo(ApplyFixture.row("1", "theirs", "A", EARLY, "n"));
      assertThat(conflict.differing()).containsExactly("name");
    }
  }

  @Test
  void aRowThatGivesWayBecomesWhatTheSourceHasOfIt() throws SQLException {
    try (ApplyFixture f =
        new ApplyFixture(ConflictResolution.SOURCE_WINS, ConflictDetection.ORIGIN)) {
      f.insert("1", "first", "A", EARLY, null);
      f.insert("2", "second", "B", EARLY, null);
      f.apply();
      f.others("update item set code = 'C' where id = 1");
      f.newest.put(RowKey.of("1"), ApplyFixture.row("1", "first", "A", EARLY, null));
      f.insert("3", "third", "C", EARLY, null);
      f.update("2", "changed", "B", EARLY, null);

      f.apply();

      assertThat(f.rows()).isEqualTo("1,first,A,|2,changed,B,|3,third,C,");
      assertThat(f.onlyConflict().type()).isEqualTo(ConflictType.UNIQUE_VIOLATION);
      assertThat(f.parked.all()).isEmpty();
    }
  }

  @Test
  void countsOnlyWritesAfterTheTargetCameInStep() throws SQLException {
    try (ApplyFixture f =
        new ApplyFixture(
            policy(ConflictResolution.MANUAL, ConflictDetection.ORIGIN),
            DeleteHandling.APPLY,
            "insert into item select g, 'restored' from generate_series(1, 3) g;")) {
      f.update("1", "ours", null, null, null);
      f.delete("2");
      f.insert("3", "ours", null, null, null);

      f.apply();

      assertThat(f.log.all()).isEmpty();
      assertThat(f.rows()).isEqualTo("1,ours,,|3,ours,,");
    }
  }

  @Test
  void aRowThatAMergeHasKeptCountsAsOthersWhenever() throws SQLException {
    try (ApplyFixture f =
        new ApplyFixture(
            policy(ConflictResolution.TARGET_WINS, ConflictDetection.ORIGIN),
            DeleteHandling.APPLY,
            "insert into item select g, 'restored' from generate_series(1, 2) g;")) {
      f.others("insert into tidemark.kept_row values ('" + f.configuration + "', '{1}')");
      f.renew();
      f.update("1", "ours", null, null, null);
      f.update("2", "ours", null, null, null);

      f.apply();

      assertThat(f.rows()).isEqualTo("1,restored,,|2,ours,,");
      assertThat(f.onlyConflict().rowKey()).isEqualTo(RowKey.of("1"));
    }
  }

  @Test
  void isSilentAboutARowThatIsEqualAlready() throws SQLException {
    for (ConflictDetection detection : detections()) {
      try (ApplyFixture f = new ApplyFixture(ConflictResolution.MANUAL, detection)) {
        f.others("insert into item values (1, 'same', null, '" + EARLY + "')");
        f.insert("1", "same", null, EARLY, null);

        RowCounts counts = f.apply();

        assertThat(f.log.all()).as(detection + "").isEmpty();
        assertThat(counts.unchanged()).as(detection + "").isEqualTo(1);
      }
    }
  }

  @Test
  void ordinaryChangesAreNoConflictUnderAnyDetection() throws SQLException {
    for (ConflictDetection detection : detections()) {
      try (ApplyFixture f = new ApplyFixture(ConflictResolution.MANUAL, detection)) {
        f.insert("1", "a", "A", EARLY, "n");
        f.insert("2", "b", "B", EARLY, "n");
        f.insert("3", "c", "C", EARLY, "n");
        f.apply();
        f.update(ApplyFixture.row("1", "a", "A", EARLY, "n"), "1", "a2", "A", LATE, "n");
        f.update(ApplyFixture.row("1", "a2", "A", LATE, "n"), "1", "a3", "A", LATE, "n");
        f.delete(ApplyFixture.row("2", "b", "B", EARLY, "n"));
        f.insert("2", "again", "B", LATE, "n");
        f.move("3", "30", "c", "C", EARLY, "n");
        f.insert("4", "d", null, EARLY, "n");
        f.delete(ApplyFixture.row("4", "d", null, EARLY, "n"));
        f.apply();

        assertThat(f.log.all()).as(detection + "").isEmpty();
        assertThat(f.rows()).isEqualTo("1,a3,A,n|2,again,B,n|30,c,C,n");
      }
    }
  }

  @Test
  void tellsAnotherWriterByTheRowBeforeTheChange() throws SQLException {
    try (ApplyFixture f =
        new ApplyFixture(ConflictResolution.TARGET_WINS, ConflictDetection.BEFORE_IMAGE)) {
      f.insert("1", "first", null, EARLY, null);
      f.insert("2", "first", null, EARLY, null);
      f.apply();
      f.others("update item set note = 'theirs' where id = 1");
      f.update(ApplyFixture.row("1", "first", null, EARLY, null), "1", "ours", null, EARLY, null);
      f.update(ApplyFixture.row("2", "first", null, EARLY, null), "2", "ours", null, EARLY, null);

      f.apply();

      assertThat(f.onlyConflict().base())
          .isEqualTo(ApplyFixture.row("1", "first", null, EARLY, null));
      assertThat(f.rows()).isEqualTo("1,first,,theirs|2,ours,,");
    }
  }

  @Test
  void tellsAnotherWriterByANewerTimestamp() throws SQLException {
    try (ApplyFixture f =
        new ApplyFixture(ConflictResolution.TIMESTAMP, ConflictDetection.TIMESTAMP)) {
      f.insert("1", "first", null, EARLY, null);
      f.insert("2", "first", null, EARLY, null);
      f.apply();
      f.others("update item set name = 'theirs', at = '" + LATE + "' where id = 1");
      f.others("update item set name = 'older', at = '2019-01-01' where id = 2");
      f.update("1", "ours", null, EARLY, null);
      f.update("2", "ours", null, EARLY, null);

      f.apply();

      assertThat(f.onlyConflict().rowKey()).isEqualTo(RowKey.of("1"));
      assertThat(f.rows()).isEqualTo("1,theirs,,|2,ours,,");
    }
  }

  @Test
  void byTimestampNoTimeIsOlderThanAnyAndATieIsTheSources() throws SQLException {
    try (ApplyFixture f =
        new ApplyFixture(ConflictResolution.TIMESTAMP, ConflictDetection.ORIGIN)) {
      f.others("insert into item values (1, 'theirs', null, null)");
      f.others("insert into item values (2, 'theirs', null, '" + EARLY + "')");
      f.others("insert into item values (3, 'theirs', null, '" + EARLY + "')");
      f.others("insert into item values (4, 'theirs', null, null)");
      f.insert("1", "ours", null, EARLY, null);
      f.insert("2", "ours", null, null, null);
      f.insert("3", "ours", null, EARLY, null);
      f.insert("4", "ours", null, null, null);

      f.apply();

      assertThat(f.rows()).isEqualTo("1,ours,,|2,theirs,,|3,ours,,|4,ours,,");
    }
  }

  @Test
  void byTimestampADeletionIsOfTheTimeOfItsCommit() throws SQLException {
    try (ApplyFixture f =
        new ApplyFixture(ConflictResolution.TIMESTAMP, ConflictDetection.ORIGIN)) {
      f.insert("1", "first", null, EARLY, null);
      f.insert("2", "first", null, EARLY, null);
      f.apply();
      f.others("update item set at = '" + EARLY + "', name = 'theirs' where id = 1");
      f.others("update item set at = '" + LATE + "', name = 'theirs' where id = 2");
      f.committedAt(1_750_000_000_000_000L);
      f.delete("1");
      f.delete("2");

      f.apply();

      assertThat(f.rows()).isEqualTo("2,theirs,,");
    }
  }

  @Test
  void laterChangesOfAKeyThatWaitsJoinItsConflictAndOthersFlow() throws SQLException {
    try (ApplyFixture f = new ApplyFixture(ConflictResolution.MANUAL, ConflictDetection.ORIGIN)) {
      f.others("insert into item values (1, 'theirs')");
      f.insert("1", "ours", null, null, null);
      f.apply();
      f.update("1", "ours later", null, null, null);
      f.insert("2", "flows", null, null, null);

      RowCounts counts = f.apply();

      assertThat(counts.skipped()).isEqualTo(1);
      assertThat(f.rows()).isEqualTo("1,theirs,,|2,flows,,");
      assertThat(f.log.joined().get(RowKey.of("1")).source())
          .isEqualTo(ApplyFixture.row("1", "ours later", null, null, null));
    }
  }

  @Test
  void changesOfAKeyThatWasDecidedMeanwhileAreApplied() throws SQLException {
    try (ApplyFixture f = new ApplyFixture(ConflictResolution.MANUAL, ConflictDetection.ORIGIN)) {
      f.insert("1", "first", null, null, null);
      f.apply();
      f.others("update item set name = 'theirs'");
      f.update("1", "ours", null, null, null);
      f.apply();
      f.log.decide(RowKey.of("1"));
      f.others("delete from item");
      f.insert("1", "ours again", null, null, null);

      f.apply();

      assertThat(f.rows()).isEqualTo("1,ours again,,");
      assertThat(f.log.joined()).isEmpty();
    }
  }

  @Test
  void aTruncateLeavesWhatOthersWroteToThePolicy() throws SQLException {
    Map<ConflictResolution, String> expected =
        Map.of(
            ConflictResolution.SOURCE_WINS, "",
            ConflictResolution.TARGET_WINS, "2,theirs,,|9,theirs,,",
            ConflictResolution.TIMESTAMP, "9,theirs,,",
            ConflictResolution.MANUAL, "2,theirs,,|9,theirs,,");
    for (ConflictResolution strategy : ConflictResolution.values()) {
      try (ApplyFixture f = new ApplyFixture(strategy, ConflictDetection.ORIGIN)) {
        f.insert("1", "ours", null, EARLY, null);
        f.insert("2", "ours", null, EARLY, null);
        f.apply();
        f.others("update item set name = 'theirs' where id = 2");
        f.others("insert into item values (9, 'theirs', null, '" + LATE + "')");
        f.committedAt(1_750_000_000_000_000L);
        f.truncate();

        f.apply();

        assertThat(f.rows()).as(strategy + "").isEqualTo(expected.get(strategy));
        assertThat(f.log.all())
            .as(strategy + "")
            .extracting(Detected::type)
            .containsExactly(
                ConflictType.DELETE_ORIGIN_DIFFERS, ConflictType.DELETE_ORIGIN_DIFFERS);
      }
    }
  }

  @Test
  void columnsChangedOnOneSideOnlyAreCombined() throws SQLException {
    ConflictPolicy combining =
        new ConflictPolicy(ConflictResolution.MANUAL, ConflictDetection.BEFORE_IMAGE, null, true);
    try (ApplyFixture f = new ApplyFixture(combining, DeleteHandling.APPLY, "")) {
      f.insert("1", "n", "c", EARLY, "o");
      f.insert("2", "n", "d", EARLY, "o");
      f.apply();
      f.others("update item set note = 'theirs'");
      f.update(ApplyFixture.row("1", "n", "c", EARLY, "o"), "1", "ours", "c", EARLY, "o");
      f.update(ApplyFixture.row("2", "n", "d", EARLY, "o"), "2", "n", "d", EARLY, "ours");

      f.apply();

      assertThat(f.rows()).isEqualTo("1,ours,c,theirs|2,n,d,theirs");
      assertThat(f.onlyConflict().rowKey()).isEqualTo(RowKey.of("2"));
    }
  }

  @Test
  void aKeyChangeOfARowThatOthersWroteIsAConflict() throws SQLException {
    for (ConflictResolution strategy : ConflictResolution.values()) {
      try (ApplyFixture f = new ApplyFixture(strategy, ConflictDetection.ORIGIN)) {
        f.insert("1", "first", null, EARLY, null);
        f.apply();
        f.others("update item set name = 'theirs', at = '" + LATE + "'");
        f.move("1", "2", "ours", null, EARLY, null);

        f.apply();

        boolean source = strategy == ConflictResolution.SOURCE_WINS;
        assertThat(f.rows()).as(strategy + "").isEqualTo(source ? "2,ours,," : "1,theirs,,");
        assertThat(f.onlyConflict().type()).isEqualTo(ConflictType.UPDATE_ORIGIN_DIFFERS);
      }
    }
  }

  private static ConflictPolicy policy(ConflictResolution strategy, ConflictDetection detection) {
    return new ConflictPolicy(strategy, detection, "at", false);
  }

  private static List<ConflictDetection> detections() {
    return List.of(
        ConflictDetection.ORIGIN,
        ConflictDetection.BEFORE_IMAGE,
        ConflictDetection.TIMESTAMP,
        ConflictDetection.EXISTENCE);
  }
}
