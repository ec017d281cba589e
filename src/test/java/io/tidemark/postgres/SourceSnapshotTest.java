package io.tidemark.postgres;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Which transactions a snapshot sees, told by half of their id. */
@Tag("unit")
class SourceSnapshotTest {
  private static final long LOWER_HALF = 0xFFFFFFFFL;

  @Test
  void seesWhatEndedBeforeItAndWasNotRunning() {
    SourceSnapshot snapshot = SourceSnapshot.parse("100:110:103,107", 1);

    assertThat(LongStream.range(95, 115).filter(snapshot::sees).boxed())
        .containsExactly(95L, 96L, 97L, 98L, 99L, 100L, 101L, 102L, 104L, 105L, 106L, 108L, 109L);
  }

  @Test
  void seesTransactionsOfTheFormerEpoch() {
    long epoch = 5L << 32;
    SourceSnapshot snapshot =
        SourceSnapshot.parse((epoch - 4) + ":" + (epoch + 10) + ":" + (epoch - 2), 1);

    assertThat(snapshot.sees(LOWER_HALF - 3)).isTrue();
    assertThat(snapshot.sees(LOWER_HALF - 1)).isFalse();
    assertThat(snapshot.sees(LOWER_HALF)).isTrue();
    assertThat(snapshot.sees(3)).isTrue();
    assertThat(snapshot.sees(10)).isFalse();
  }

  @Test
  void doesNotSeeTransactionsOfTheNextEpoch() {
    long epoch = 5L << 32;
    SourceSnapshot snapshot = SourceSnapshot.parse((epoch - 9) + ":" + (epoch - 5) + ":", 1);

    assertThat(snapshot.sees(LOWER_HALF - 5)).isTrue();
    assertThat(snapshot.sees(7)).isFalse();
  }

  @Test
  void halfAnIdTellsAsMuchAsTheWholeWithinTwoBillion() {
    long seed = System.nanoTime();
    System.out.println("seed " + seed);
    Random random = new Random(seed);
    for (int i = 0; i < 100_000; i++) {
      long xmax = (1L << 31) + (random.nextLong() & (1L << 40) - 1);
      long xmin = xmax - random.nextInt(50);
      Set<Long> running =
          LongStream.range(xmin, xmax)
              .filter(id -> random.nextBoolean())
              .boxed()
              .collect(Collectors.toSet());
      SourceSnapshot snapshot = new SourceSnapshot(xmin, xmax, running, 0);
      int distance = random.nextBoolean() ? random.nextInt() : random.nextInt(101) - 50;
      long id = xmax + distance;

      boolean sees = snapshot.sees(id & LOWER_HALF);

      assertThat(sees).isEqualTo(id < xmin || id < xmax && !running.contains(id));
    }
  }

  @Test
  void refusesWhatIsNoSnapshot() {
    assertThatThrownBy(() -> SourceSnapshot.parse("12:13", 0))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> SourceSnapshot.parse("14:13:", 0))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
