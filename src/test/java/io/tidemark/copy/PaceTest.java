package io.tidemark.copy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("unit")
class PaceTest {
  private static final long SECOND = TimeUnit.SECONDS.toNanos(1);

  /** Later than the pace was made, so that nothing is due yet. */
  private final long start = System.nanoTime() + SECOND;

  @Test
  void rowsTakeTheirTimeOneAfterTheOther() {
    Pace pace = new Pace(1000);

    assertThat(pace.take(500, start) - start).isEqualTo(SECOND / 2);
    assertThat(pace.take(250, start) - start).isEqualTo(SECOND * 3 / 4);
    assertThat(pace.take(250, start + SECOND / 4) - start).isEqualTo(SECOND);
  }

  @Test
  void timeWithoutRowsIsNotSavedUp() {
    Pace pace = new Pace(1000);
    pace.take(100, start);

    long later = start + 10 * SECOND;

    assertThat(pace.take(100, later) - later).isEqualTo(SECOND / 10);
  }

  @Test
  void waitsUntilTheRowsHaveHadTheirTime() {
    long before = System.nanoTime();

    new Pace(1000).spend(120, () -> false);

    assertThat(System.nanoTime() - before).isGreaterThanOrEqualTo(SECOND * 12 / 100);
  }

  @Test
  void doesNotWaitForOneThatEnds() {
    new Pace(1).spend(Integer.MAX_VALUE, () -> true);
  }

  @Test
  void withoutABoundNothingWaits() {
    Pace.FREE.spend(Long.MAX_VALUE, () -> false);
  }

  @Test
  void aBoundIsNotNegative() {
    assertThatThrownBy(() -> new Pace(-1)).isInstanceOf(IllegalArgumentException.class);
  }
}
