package io.tidemark.change;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.Random;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Tag("unit")
final class BackoffTest {
  private static final Backoff BACKOFF =
      new Backoff(Duration.ofMillis(200), Duration.ofSeconds(10));

  @ParameterizedTest
  @CsvSource({"1,200", "2,400", "3,800", "6,6400", "7,10000", "8,10000", "2147483647,10000"})
  void doublesUpToTheMost(int failures, long millis) {
    RandomGenerator random = new Random(failures);
    for (int i = 0; i < 1000; i++) {
      assertThat(BACKOFF.pause(failures, random).toMillis()).isBetween(millis / 2, millis);
    }
  }

  @Test
  void isNotInStep() {
    RandomGenerator random = new Random(1);

    assertThat(BACKOFF.pause(3, random)).isNotEqualTo(BACKOFF.pause(3, random));
  }

  @Test
  void isNoBusyLoop() {
    Duration second = Duration.ofSeconds(1);

    assertThatThrownBy(() -> new Backoff(Duration.ZERO, second))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new Backoff(second, second.minusMillis(1)))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
