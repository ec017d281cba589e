package io.tidemark.apply;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.change.SourcePosition;
import java.time.Instant;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("unit")
class ApplyProgressTest {
  private static final Instant NOW = Instant.parse("2026-01-02T03:04:05Z");
  private static final Instant NEVER = Instant.EPOCH;

  private final ApplyProgress progress = new ApplyProgress();

  @Test
  void isNotBehindWhenNothingIsLeft() {
    assertThat(lag(at(NOW.minusSeconds(60), 0, NOW), NOW)).isZero();
  }

  @Test
  void isBehindSinceItsNewestChangeAfterARestart() {
    assertThat(lag(at(NOW.minusSeconds(3600), 7, NOW), NOW)).isEqualTo(3600);
  }

  @Test
  void isBehindSinceNothingWasLeftThoughItsNewestChangeIsOlder() {
    at(NOW.minusSeconds(3600), 0, NOW);

    ApplyProgress.Partition behind = at(NOW.minusSeconds(3600), 1, NOW.plusSeconds(2));

    assertThat(lag(behind, NOW.plusSeconds(5))).isEqualTo(5);
  }

  @Test
  void isBehindSinceItsNewestChangeWhileChangesFlow() {
    at(NOW.minusSeconds(1), 0, NOW);

    ApplyProgress.Partition flowing = at(NOW.plusSeconds(9), 3, NOW.plusSeconds(10));

    assertThat(lag(flowing, NOW.plusSeconds(10))).isEqualTo(1);
  }

  @Test
  void isBehindSinceItIsSeenSoAfterACopy() {
    at(NEVER, 1, NOW);

    assertThat(lag(at(NEVER, 2, NOW.plusSeconds(3)), NOW.plusSeconds(4))).isEqualTo(4);
  }

  @Test
  void remembersWhenItWasInStepWhileItIsNotHeld() {
    ApplyProgress.Partition inStep = at(NEVER, 0, NOW);
    progress.forget(inStep.position());
    assertThat(progress.partitions()).isEmpty();

    assertThat(lag(at(NEVER, 1, NOW.plusSeconds(8)), NOW.plusSeconds(9))).isEqualTo(9);
  }

  private ApplyProgress.Partition at(Instant applied, long left, Instant now) {
    AppliedPosition position =
        new AppliedPosition("t", 0, 10, SourcePosition.START, applied.getEpochSecond() * 1_000_000);
    ApplyProgress.Partition partition = new ApplyProgress.Partition(position, 10, 10 + left);
    progress.at(partition, now);
    return partition;
  }

  private double lag(ApplyProgress.Partition partition, Instant now) {
    return progress.lagSeconds(partition, now);
  }
}
