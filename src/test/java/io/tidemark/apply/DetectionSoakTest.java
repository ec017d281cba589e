package io.tidemark.apply;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.change.RowKey;
import io.tidemark.conflict.ConflictDetection;
import io.tidemark.conflict.ConflictPolicy;
import io.tidemark.conflict.ConflictResolution;
import io.tidemark.conflict.Detected;
import io.tidemark.sync.DeleteHandling;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Many random changes under each mode of detection: none is taken for a conflict that is none, and
 * none of others' writes among them is missed.
 */
@Tag("soak")
@Tag("database")
final class DetectionSoakTest {
  private static final int CHANGES = Integer.getInteger("soak.changes", 1_000_000);
  private static final int PLANTED = 1000;
  private static final int CHANGES_PER_PLANTED = 100;
  private static final int KEYS = 20_000;
  private static final int BATCH_MAX = 1000;
  private static final long FIRST_MICROS = 1_600_000_000_000_000L;
  private static final long STEP_MICROS = 1000;

  private static final ConflictPolicy MANUAL =
      new ConflictPolicy(ConflictResolution.MANUAL, ConflictDetection.ORIGIN, "at", false);

  private final long seed = System.nanoTime();
  private final SplittableRandom random = new SplittableRandom(seed);

  DetectionSoakTest() {
    System.out.println("seed " + seed);
  }

  @ParameterizedTest
  @EnumSource(value = ConflictDetection.class, mode = EnumSource.Mode.EXCLUDE, names = "AUTO")
  void aMillionChangesWithoutAConflictAreNone(ConflictDetection mode) throws SQLException {
    try (ApplyFixture fixture = new ApplyFixture(ConflictResolution.SOURCE_WINS, mode)) {
      Source source = new Source(fixture, mode);
      for (int done = 0; done < CHANGES; ) {
        int size = Math.min(CHANGES - done, 1 + random.nextInt(BATCH_MAX));
        for (int i = 0; i < size; i++) {
          source.change(1 + random.nextInt(KEYS));
        }
        done += size;
        fixture.apply();
        if (random.nextInt(20) == 0) {
          fixture.renew();
        }
      }

      assertThat(fixture.log.all()).isEmpty();
      assertThat(fixture.parked.all()).isEmpty();
      assertThat(fixture.rows()).isEqualTo(source.rows());
    }
  }

  @ParameterizedTest
  @EnumSource(value = ConflictDetection.class, mode = EnumSource.Mode.EXCLUDE, names = "AUTO")
  void eachOfAThousandWritesOfOthersIsFound(ConflictDetection mode) throws SQLException {
    try (ApplyFixture fixture = new ApplyFixture(ConflictResolution.SOURCE_WINS, mode)) {
      Source source = new Source(fixture, mode);
      for (int i = 0; i < KEYS / 2; i++) {
        source.change(1 + random.nextInt(KEYS));
      }
      fixture.apply();
      List<String> planted = new ArrayList<>();
      for (int i = 0; i < PLANTED; i++) {
        int contested = 1 + random.nextInt(KEYS);
        int before = random.nextInt(CHANGES_PER_PLANTED);
        for (int j = 0; j < CHANGES_PER_PLANTED; j++) {
          if (j == before) {
            plant(fixture, source, mode, contested);
          } else {
            source.changeOtherThan(contested);
          }
        }
        planted.add(Integer.toString(contested));
        fixture.apply();
      }

      assertThat(fixture.log.all().stream().map(one -> one.rowKey().value(0)))
          .containsExactlyElementsOf(planted);
      assertThat(fixture.log.all().stream().map(Detected::type).distinct().count())
          .isGreaterThan(1);
      assertThat(fixture.rows()).isEqualTo(source.rows());
    }
  }

  /** Others write a row just before the source changes it. */
  private void plant(ApplyFixture fixture, Source source, ConflictDetection mode, int key) {
    if (!source.has(key)) {
      fixture.others("insert into item values (%d, 'theirs', null, '2100-01-01')".formatted(key));
      source.put(key);
    } else if (mode == ConflictDetection.EXISTENCE || random.nextInt(3) == 0) {
      fixture.others("delete from item where id = " + key);
      source.put(key);
    } else {
      fixture.others(
          "update item set name = 'theirs', at = '2100-01-01' where id = %d".formatted(key));
      if (random.nextBoolean()) {
        source.put(key);
      } else {
        source.delete(key);
      }
    }
  }

  @Test
  void oneUndecidedRowHoldsUpNothing() throws SQLException {
    double without = changesPerSecond(false);
    double with = changesPerSecond(true);

    System.out.printf(
        Locale.ROOT,
        "%,.0f changes/s; with a row that waits for a person %,.0f (%.2f)%n",
        without,
        with,
        with / without);
  }

  private double changesPerSecond(boolean undecided) throws SQLException {
    try (ApplyFixture fixture = new ApplyFixture(MANUAL, DeleteHandling.APPLY, "")) {
      Source source = new Source(fixture, ConflictDetection.ORIGIN);
      int waiting = KEYS + 1;
      source.put(waiting);
      fixture.apply();
      if (undecided) {
        fixture.others("update item set name = 'theirs'");
        source.put(waiting);
        fixture.apply();
        assertThat(fixture.log.waiting()).containsExactly(key(waiting));
      }
      long began = System.nanoTime();
      for (int i = 0; i < CHANGES / 10; i++) {
        source.change(i % 100 == 0 ? waiting : 1 + random.nextInt(KEYS));
        if (i % BATCH_MAX == BATCH_MAX - 1) {
          fixture.apply();
        }
      }
      fixture.apply();
      double seconds = (System.nanoTime() - began) / 1e9;

      if (undecided) {
        assertThat(fixture.log.joined()).containsOnlyKeys(key(waiting));
        assertThat(fixture.rows()).endsWith("|" + waiting + ",theirs,," + source.firstNote);
        fixture.others("delete from item where id = " + waiting);
        source.rows.remove(waiting);
      }
      assertThat(fixture.log.all()).hasSize(undecided ? 1 : 0);
      assertThat(fixture.rows()).isEqualTo(source.rows());
      return CHANGES / 10 / seconds;
    }
  }

  private static RowKey key(int id) {
    return RowKey.of(Integer.toString(id));
  }

  /** A source table, as its stream tells of it. */
  private final class Source {
    private final ApplyFixture fixture;
    private final boolean sendsOldRows;
    private final Map<Integer, String[]> rows = new TreeMap<>();
    private final String firstNote = "n" + (FIRST_MICROS + STEP_MICROS);
    private long micros = FIRST_MICROS;

    Source(ApplyFixture fixture, ConflictDetection mode) {
      this.fixture = fixture;
      sendsOldRows = mode == ConflictDetection.BEFORE_IMAGE;
    }

    boolean has(int key) {
      return rows.containsKey(key);
    }

    void changeOtherThan(int key) {
      int other = 1 + random.nextInt(KEYS);
      if (other != key) {
        change(other);
      }
    }

    void change(int key) {
      int choice = random.nextInt(10);
      if (choice < 2 && has(key)) {
        delete(key);
      } else {
        put(key);
      }
    }

    void put(int key) {
      String[] former = rows.get(key);
      String[] row = row(key);
      if (former == null) {
        fixture.insert(row);
      } else if (sendsOldRows) {
        fixture.update(ApplyFixture.row(former), row);
      } else {
        fixture.update(row);
      }
      rows.put(key, row);
    }

    void delete(int key) {
      tick();
      String[] former = rows.remove(key);
      if (sendsOldRows) {
        fixture.delete(ApplyFixture.row(former));
      } else {
        fixture.delete(Integer.toString(key));
      }
    }

    private String[] row(int key) {
      tick();
      String at = Instant.ofEpochMilli(micros / 1000).toString();
      return new String[] {
        Integer.toString(key), "v" + random.nextInt(1000), null, at, "n" + micros
      };
    }

    private void tick() {
      micros += STEP_MICROS;
      fixture.committedAt(micros);
    }

    /** As {@link ApplyFixture#rows}. */
    String rows() {
      return rows.values().stream()
          .map(row -> String.join(",", row[0], row[1], "", row[4]))
          .collect(Collectors.joining("|"));
    }
  }
}
