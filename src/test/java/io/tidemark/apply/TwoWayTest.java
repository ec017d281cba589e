package io.tidemark.apply;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.TestStack;
import io.tidemark.conflict.ConflictResolution;
import io.tidemark.conflict.ConflictType;
import io.tidemark.conflict.Detected;
import io.tidemark.postgres.PgDatabase;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Both sides write: what each holds once all of it has arrived. */
@Tag("every-postgres")
@Tag("database")
final class TwoWayTest {
  private static final String EARLY = "2021-01-01 00:00:00+00";
  private static final String LATE = "2022-01-01 00:00:00+00";

  @Test
  void changesFlowBothWaysWithoutAConflict() throws SQLException {
    try (TwoWayFixture f = new TwoWayFixture(ConflictResolution.SOURCE_WINS);
        TwoWayFixture.Writer source = f.atSource();
        TwoWayFixture.Writer target = f.atTarget()) {
      source.put(1, "here", EARLY);
      target.put(2, "there", EARLY);
      source.put(100, "new here", EARLY);
      target.put(200, "new there", EARLY);
      source.delete(3);
      target.delete(4);

      f.allArrive();

      assertThat(TwoWayFixture.rows(f.target)).isEqualTo(TwoWayFixture.rows(f.source));
      assertThat(TwoWayFixture.rows(f.source))
          .startsWith("1,here")
          .contains("2,there", "100,new here", "200,new there")
          .doesNotContain("|3,", "|4,");
      assertThat(f.log.all()).isEmpty();
    }
  }

  @Test
  void editsOfOneRowByTurnsAreNoConflict() throws SQLException {
    for (ConflictResolution strategy : ConflictResolution.values()) {
      try (TwoWayFixture f = new TwoWayFixture(strategy);
          TwoWayFixture.Writer source = f.atSource();
          TwoWayFixture.Writer target = f.atTarget()) {
        for (int turn = 0; turn < 5; turn++) {
          source.put(1, "here " + turn, EARLY);
          f.allArrive();
          target.put(1, "there " + turn, EARLY);
          f.allArrive();
        }
        target.delete(1);
        f.allArrive();
        source.put(1, "again", EARLY);
        f.allArrive();

        assertThat(f.log.all()).as(strategy + "").isEmpty();
        assertThat(TwoWayFixture.rows(f.source)).startsWith("1,again");
        assertThat(TwoWayFixture.rows(f.target)).isEqualTo(TwoWayFixture.rows(f.source));
      }
    }
  }

  /** One transaction's changes need not arrive together. */
  @Test
  void aTransactionThatArrivesInPartsArrivesWhole() throws SQLException {
    for (ConflictResolution strategy : ConflictResolution.values()) {
      try (TwoWayFixture f = new TwoWayFixture(strategy);
          TwoWayFixture.Writer source = f.atSource();
          TwoWayFixture.Writer target = f.atTarget()) {
        source.together(
            () -> {
              for (int id = 101; id < 110; id++) {
                source.put(id, "new here", EARLY);
              }
              source.put(1, "here", EARLY);
              source.delete(3);
            });
        target.together(
            () -> {
              for (int id = 201; id < 210; id++) {
                target.put(id, "new there", EARLY);
              }
              target.put(2, "there", EARLY);
            });
        while (f.arrive(2, 3)) {
          // In parts, until both sides are quiet.
        }

        assertThat(f.log.all()).as(strategy + "").isEmpty();
        assertThat(TwoWayFixture.rows(f.source))
            .startsWith("1,here")
            .contains("2,there", "101,new here", "109,new here", "201,new there", "209,new there")
            .doesNotContain("|3,");
        assertThat(TwoWayFixture.rows(f.target)).isEqualTo(TwoWayFixture.rows(f.source));
      }
    }
  }

  @Test
  void whatATransactionHasYetToBringIsNotKnownToTheOtherSide() throws SQLException {
    try (TwoWayFixture f = new TwoWayFixture(ConflictResolution.SOURCE_WINS);
        TwoWayFixture.Writer source = f.atSource();
        TwoWayFixture.Writer target = f.atTarget()) {
      source.together(
          () -> {
            source.put(1, "first", EARLY);
            source.put(2, "here", EARLY);
          });
      target.put(2, "there", EARLY);
      f.arrive(1, 0);
      f.arrive(0, 1);
      f.allArrive();

      assertThat(f.log.all()).as("both have written it").hasSize(1);
      assertThat(TwoWayFixture.rows(f.source)).startsWith("1,first").contains("2,here");
      assertThat(TwoWayFixture.rows(f.target)).isEqualTo(TwoWayFixture.rows(f.source));
    }
  }

  @Test
  void whatATransactionHasBroughtIsKnownAlsoAfterARestart() throws SQLException {
    for (boolean restart : List.of(false, true)) {
      try (TwoWayFixture f = new TwoWayFixture(ConflictResolution.MANUAL);
          TwoWayFixture.Writer source = f.atSource();
          TwoWayFixture.Writer target = f.atTarget()) {
        source.together(
            () -> {
              source.put(1, "here", EARLY);
              source.put(2, "here", EARLY);
            });
        f.arrive(1, 0);
        f.arrive(1, 0);
        if (restart) {
          f.restart();
        }
        target.put(1, "there", EARLY);
        target.put(2, "there", EARLY);
        f.allArrive();

        assertThat(f.log.all()).isEmpty();
        assertThat(TwoWayFixture.rows(f.source)).startsWith("1,there").contains("2,there");
        assertThat(TwoWayFixture.rows(f.target)).isEqualTo(TwoWayFixture.rows(f.source));
      }
    }
  }

  @Test
  void concurrentEditsHaveOneWinnerOnBothSides() throws SQLException {
    for (boolean sourceFirst : List.of(true, false)) {
      assertThat(winner(ConflictResolution.SOURCE_WINS, EARLY, LATE, sourceFirst))
          .isEqualTo("here");
      assertThat(winner(ConflictResolution.TARGET_WINS, LATE, EARLY, sourceFirst))
          .isEqualTo("there");
      assertThat(winner(ConflictResolution.TIMESTAMP, EARLY, LATE, sourceFirst)).isEqualTo("there");
      assertThat(winner(ConflictResolution.TIMESTAMP, LATE, EARLY, sourceFirst)).isEqualTo("here");
      assertThat(winner(ConflictResolution.TIMESTAMP, LATE, LATE, sourceFirst)).isEqualTo("here");
    }
  }

  /** A fixture whose rows have a unique name each; there are rows 1 to 3, a, b and c. */
  private static TwoWayFixture unique(ConflictResolution strategy) throws SQLException {
    return new TwoWayFixture(
        strategy,
        """
        delete from item where id > 3;
        update item set name = chr(96 + id::int);
        alter table item add unique (name);
        """);
  }

  @Test
  void aUniqueValueThatWandersIsNoConflict() throws SQLException {
    try (TwoWayFixture f = unique(ConflictResolution.MANUAL);
        TwoWayFixture.Writer source = f.atSource();
        TwoWayFixture.Writer target = f.atTarget()) {
      source.put(2, "b2", EARLY);
      source.put(1, "x", EARLY);
      source.put(2, "a", EARLY);
      f.allArrive();
      assertThat(TwoWayFixture.rows(f.target)).isEqualTo(TwoWayFixture.rows(f.source));

      target.put(1, "between", EARLY);
      target.put(2, "x", EARLY);
      target.put(1, "a", EARLY);
      target.delete(3);
      target.put(4, "c", EARLY);
      f.allArrive();

      assertThat(TwoWayFixture.rows(f.source)).isEqualTo(TwoWayFixture.rows(f.target));
      assertThat(TwoWayFixture.rows(f.source)).startsWith("1,a").contains("|2,x", "|4,c");
      assertThat(f.log.all()).isEmpty();
      assertThat(f.parked.all()).isEmpty();
    }
  }

  @Test
  void oneValueUnderAnExpressionHasOneHolderOnBothSides() throws SQLException {
    try (TwoWayFixture f =
            new TwoWayFixture(
                ConflictResolution.SOURCE_WINS,
                "delete from item where id > 3; update item set name = chr(96 + id::int);"
                    + "create unique index on item (lower(name)) where at > '2020-06-01';");
        TwoWayFixture.Writer source = f.atSource();
        TwoWayFixture.Writer target = f.atTarget()) {
      source.put(1, "Same", EARLY);
      target.put(2, "SAME", EARLY);
      f.allArrive();

      assertThat(TwoWayFixture.rows(f.source)).startsWith("1,Same").contains("|2,b");
      assertThat(TwoWayFixture.rows(f.target)).isEqualTo(TwoWayFixture.rows(f.source));
      assertThat(f.log.all())
          .singleElement()
          .satisfies(one -> assertThat(one.type()).isEqualTo(ConflictType.UNIQUE_VIOLATION));
      assertThat(f.parked.all()).isEmpty();
    }
  }

  @Test
  void oneUniqueValueGivenOnBothSidesHasOneHolderOnBothSides() throws SQLException {
    for (boolean sourceFirst : List.of(true, false)) {
      assertThat(holders(ConflictResolution.SOURCE_WINS, EARLY, LATE, sourceFirst))
          .isEqualTo("1,same|2,b|3,c|10,new");
      assertThat(holders(ConflictResolution.TARGET_WINS, LATE, EARLY, sourceFirst))
          .isEqualTo("1,a|2,same|3,c|20,new");
      assertThat(holders(ConflictResolution.TIMESTAMP, EARLY, LATE, sourceFirst))
          .isEqualTo("1,a|2,same|3,c|20,new");
      assertThat(holders(ConflictResolution.TIMESTAMP, LATE, EARLY, sourceFirst))
          .isEqualTo("1,same|2,b|3,c|10,new");
    }
  }

  private static String holders(
      ConflictResolution strategy, String here, String there, boolean sourceFirst)
      throws SQLException {
    try (TwoWayFixture f = unique(strategy);
        TwoWayFixture.Writer source = f.atSource();
        TwoWayFixture.Writer target = f.atTarget()) {
      source.put(1, "same", here);
      source.put(10, "new", here);
      target.put(2, "same", there);
      target.put(20, "new", there);
      arrive(f, sourceFirst);

      assertThat(f.parked.all()).isEmpty();
      assertThat(f.log.all())
          .hasSize(2)
          .allMatch(one -> one.type() == ConflictType.UNIQUE_VIOLATION)
          .extracting(one -> one.rowKey().value(0))
          .containsExactlyInAnyOrder("1", "10");
      assertThat(f.parked.all()).isEmpty();
      assertThat(names(f.target)).isEqualTo(names(f.source));
      return names(f.source);
    }
  }

  private static String names(PgDatabase side) {
    return TestStack.text(side, "select string_agg(id || ',' || name, '|' order by id) from item");
  }

  @Test
  void aUniqueValueGivenOnBothSidesIsOneQuestion() throws SQLException {
    for (boolean sourceFirst : List.of(true, false)) {
      try (TwoWayFixture f = unique(ConflictResolution.MANUAL);
          TwoWayFixture.Writer source = f.atSource();
          TwoWayFixture.Writer target = f.atTarget()) {
        source.put(10, "same", EARLY);
        target.put(20, "same", EARLY);
        arrive(f, sourceFirst);
        target.put(20, "same", LATE);
        source.put(3, "flows", LATE);
        f.allArrive();

        Detected conflict = f.log.all().get(0);
        assertThat(f.log.all()).hasSize(1);
        assertThat(conflict.rowKey().value(0)).isEqualTo("10");
        assertThat(conflict.target().value(0)).isEqualTo("20");
        assertThat(names(f.source)).isEqualTo("1,a|2,b|3,flows|10,same");
        assertThat(names(f.target)).isEqualTo("1,a|2,b|3,flows|20,same");
        assertThat(f.parked.all()).isEmpty();
      }
    }
  }

  /** Row 2 of the target waits for a person, and then holds a value of the source's row 3. */
  @Test
  void aRowThatWaitsIsNotWrittenForAnothersUniqueValue() throws SQLException {
    try (TwoWayFixture f = unique(ConflictResolution.MANUAL);
        TwoWayFixture.Writer source = f.atSource();
        TwoWayFixture.Writer target = f.atTarget()) {
      source.put(2, "here", EARLY);
      target.put(2, "there", EARLY);
      f.allArrive();
      source.put(3, "there", EARLY);
      f.allArrive();

      assertThat(names(f.target)).isEqualTo("1,a|2,there|3,c");
      assertThat(names(f.source)).isEqualTo("1,a|2,here|3,there");
      assertThat(f.log.all()).singleElement().matches(one -> one.rowKey().value(0).equals("2"));
      assertThat(f.parked.all()).singleElement().matches(one -> one.key().value(0).equals("3"));
    }
  }

  private static String winner(
      ConflictResolution strategy, String here, String there, boolean sourceFirst)
      throws SQLException {
    try (TwoWayFixture f = new TwoWayFixture(strategy);
        TwoWayFixture.Writer source = f.atSource();
        TwoWayFixture.Writer target = f.atTarget()) {
      source.put(1, "here", here);
      target.put(1, "there", there);
      arrive(f, sourceFirst);

      assertThat(f.log.all())
          .singleElement()
          .extracting(Detected::type)
          .isEqualTo(ConflictType.UPDATE_ORIGIN_DIFFERS);
      assertThat(TwoWayFixture.rows(f.target)).isEqualTo(TwoWayFixture.rows(f.source));
      return TwoWayFixture.rows(f.source).split("[,|]")[1];
    }
  }

  @Test
  void deletionAndConcurrentEditHaveOneWinnerOnBothSides() throws SQLException {
    String afterAnyTest = "2100-01-01 00:00:00+00";
    for (boolean sourceFirst : List.of(true, false)) {
      assertThat(survives(ConflictResolution.SOURCE_WINS, EARLY, sourceFirst)).isTrue();
      assertThat(survives(ConflictResolution.TARGET_WINS, EARLY, sourceFirst)).isFalse();
      assertThat(survives(ConflictResolution.TIMESTAMP, EARLY, sourceFirst)).isFalse();
      assertThat(survives(ConflictResolution.TIMESTAMP, afterAnyTest, sourceFirst)).isTrue();
    }
  }

  /** Whether a row survives that the source edited and the target deleted. */
  private static boolean survives(ConflictResolution strategy, String at, boolean sourceFirst)
      throws SQLException {
    try (TwoWayFixture f = new TwoWayFixture(strategy);
        TwoWayFixture.Writer source = f.atSource();
        TwoWayFixture.Writer target = f.atTarget()) {
      source.put(1, "here", at);
      target.delete(1);
      arrive(f, sourceFirst);

      assertThat(TwoWayFixture.rows(f.target)).isEqualTo(TwoWayFixture.rows(f.source));
      return TwoWayFixture.rows(f.source).startsWith("1,");
    }
  }

  private static void arrive(TwoWayFixture f, boolean sourceFirst) throws SQLException {
    if (sourceFirst) {
      f.arrive(10, 0);
    } else {
      f.arrive(0, 10);
    }
    f.allArrive();
  }

  @Test
  void undecidedConflictIsOneAndLeavesBothSidesAsTheyAre() throws SQLException {
    try (TwoWayFixture f = new TwoWayFixture(ConflictResolution.MANUAL);
        TwoWayFixture.Writer source = f.atSource();
        TwoWayFixture.Writer target = f.atTarget()) {
      source.put(1, "here", EARLY);
      target.put(1, "there", EARLY);
      f.arrive(10, 0);
      source.put(1, "here later", EARLY);
      source.put(2, "flows", EARLY);
      f.allArrive();

      assertThat(f.log.all()).hasSize(1);
      assertThat(TwoWayFixture.rows(f.source)).startsWith("1,here later");
      assertThat(TwoWayFixture.rows(f.target)).startsWith("1,there").contains("2,flows");
    }
  }

  /** The source's row is gone by our own hand while its last change is still on its way. */
  @Test
  void aRowPutAgainWhileAnOldChangeArrivesReachesTheOtherSide() throws SQLException {
    try (TwoWayFixture f = new TwoWayFixture(ConflictResolution.TARGET_WINS);
        TwoWayFixture.Writer source = f.atSource();
        TwoWayFixture.Writer target = f.atTarget()) {
      target.delete(1);
      source.put(1, "here", EARLY);
      source.put(1, "here later", EARLY);
      f.arrive(1, 1);
      target.put(1, "there again", EARLY);
      f.arrive(1, 0);

      f.allArrive();

      assertThat(TwoWayFixture.rows(f.source)).startsWith("1,there again");
      assertThat(TwoWayFixture.rows(f.target)).isEqualTo(TwoWayFixture.rows(f.source));
    }
  }

  /** A version of the row that never reached the target is changed, deleted and put again. */
  @Test
  void aRowThatWasPutAgainBeforeItsOldChangesArriveIsNoConflict() throws SQLException {
    for (ConflictResolution strategy : ConflictResolution.values()) {
      try (TwoWayFixture f = new TwoWayFixture(strategy);
          TwoWayFixture.Writer source = f.atSource()) {
        source.delete(1);
        f.allArrive();
        source.put(1, "second", EARLY);
        source.put(1, "second, changed", EARLY);
        source.delete(1);
        f.arrive(1, 0);
        source.put(1, "third", EARLY);
        f.arrive(1, 0);
        f.arrive(1, 0);
        f.allArrive();

        assertThat(f.log.all()).as(strategy + "").isEmpty();
        assertThat(TwoWayFixture.rows(f.target)).startsWith("1,third");
        assertThat(TwoWayFixture.rows(f.target)).isEqualTo(TwoWayFixture.rows(f.source));
      }
    }
  }

  /** Rows 1 to 10 are the source's users', 11 to 20 the target's: nobody is in anybody's way. */
  @TestFactory
  List<DynamicTest> rowsOfOneSideAreNeverInConflict() {
    return underEachStrategy(strategy -> flows(strategy, 150));
  }

  @TestFactory
  @Tag("soak")
  List<DynamicTest> rowsOfOneSideAreNeverInConflictInALongRun() {
    return underEachStrategy(strategy -> flows(strategy, 5000));
  }

  private interface Walk {
    void run(ConflictResolution strategy) throws Exception;
  }

  private static List<DynamicTest> underEachStrategy(Walk walk) {
    return Arrays.stream(ConflictResolution.values())
        .map(strategy -> DynamicTest.dynamicTest(strategy + "", () -> walk.run(strategy)))
        .toList();
  }

  private static void flows(ConflictResolution strategy, int transactions) throws SQLException {
    long seed = System.nanoTime();
    System.out.println("seed " + seed + " under " + strategy);
    SplittableRandom random = new SplittableRandom(seed);
    String[] names = new String[21];
    Arrays.fill(names, 1, 11, "first");
    try (TwoWayFixture f = new TwoWayFixture(strategy);
        TwoWayFixture.Writer source = f.atSource();
        TwoWayFixture.Writer target = f.atTarget()) {
      for (int i = 0; i < transactions; i++) {
        int first = random.nextBoolean() ? 1 : 11;
        TwoWayFixture.Writer owner = first == 1 ? source : target;
        int size = random.nextInt(3) == 0 ? 5 : 1;
        String name = "v" + i;
        owner.together(
            () -> {
              for (int row = 0; row < size; row++) {
                int id = first + random.nextInt(10);
                if (random.nextInt(3) == 0) {
                  owner.delete(id);
                  names[id] = null;
                } else {
                  names[id] = name;
                  owner.put(id, name, EARLY);
                }
              }
            });
        if (random.nextInt(20) == 0) {
          f.restart();
        }
        if (random.nextBoolean()) {
          f.arrive(random.nextInt(4), random.nextInt(4));
        }
      }
      f.allArrive();

      String expected =
          IntStream.rangeClosed(1, 20)
              .filter(id -> names[id] != null)
              .mapToObj(id -> id + "," + names[id])
              .collect(Collectors.joining("|"));
      assertThat(f.log.all()).isEmpty();
      assertThat(names(f.source)).isEqualTo(expected);
      assertThat(names(f.target)).isEqualTo(expected);
    }
  }

  @TestFactory
  List<DynamicTest> bothSidesConvergeWhateverIsWrittenMeanwhile() {
    return underEachStrategy(strategy -> converges(strategy, 100));
  }

  @TestFactory
  @Tag("soak")
  List<DynamicTest> bothSidesConvergeInALongRun() {
    return underEachStrategy(strategy -> converges(strategy, 3000));
  }

  private static void converges(ConflictResolution strategy, int changes) throws Exception {
    long seed = System.nanoTime();
    System.out.println("seed " + seed + " under " + strategy);
    SplittableRandom random = new SplittableRandom(seed);
    try (TwoWayFixture f = new TwoWayFixture(strategy);
        TwoWayFixture.Writer source = f.atSource();
        TwoWayFixture.Writer target = f.atTarget()) {
      Thread here = writing(source, random.split(), changes, "here");
      Thread there = writing(target, random.split(), changes, "there");
      while (here.isAlive() || there.isAlive()) {
        f.arrive(random.nextInt(8), random.nextInt(8));
      }
      here.join();
      there.join();
      f.allArrive();

      assertThat(f.settledRows(f.target)).isEqualTo(f.settledRows(f.source));
      assertThat(f.parked.all()).isEmpty();
      assertThat(f.log.all()).isNotEmpty();
    }
  }

  private static Thread writing(
      TwoWayFixture.Writer writer, SplittableRandom random, int changes, String name) {
    Thread thread =
        new Thread(
            () -> {
              try {
                for (int i = 0; i < changes; i++) {
                  int id = 1 + random.nextInt(20);
                  if (random.nextInt(4) == 0) {
                    writer.delete(id);
                  } else {
                    // Now and then two rows of one time, and some of days to come.
                    String at = "20%02d-01-01 00:00:00+00".formatted(20 + random.nextInt(20));
                    writer.put(id, name + " " + i, at);
                  }
                }
              } catch (SQLException e) {
                throw new IllegalStateException(e);
              }
            },
            name);
    thread.start();
    return thread;
  }
}
