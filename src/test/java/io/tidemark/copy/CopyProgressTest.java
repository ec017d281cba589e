package io.tidemark.copy;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What a copy tells of itself while it runs. */
@Tag("unit")
class CopyProgressTest {
  private final AtomicLong nanos = new AtomicLong(12345);
  private final CopyProgress progress = new CopyProgress(nanos::get);

  @Test
  void tellsRateAndTimeToGoOfAStagedCopy() {
    progress.enter(CopyPhase.SNAPSHOT);
    progress.expect(100);
    progress.enter(CopyPhase.COPY);
    seconds(30);
    progress.read(3000, 90_000);
    progress.unitsDone(50);

    CopyProgress.View view = progress.view();

    assertThat(view.phase().word()).isEqualTo("copy");
    assertThat(view.percent()).isEqualTo(30);
    assertThat(view.rowsPerSecond()).isEqualTo(100);
    assertThat(view.bytes()).isEqualTo(90_000);
    assertThat(view.etaSeconds()).hasValue(70);
  }

  @Test
  void aDirectCopyIsNearlyDoneWhenItsRowsAreRead() {
    progress.expectDirectLoad();
    progress.expect(10);
    progress.enter(CopyPhase.COPY);
    progress.unitsDone(10);

    assertThat(progress.view().percent()).isEqualTo(99);
  }

  @Test
  void percentNeverFalls() {
    progress.expectDirectLoad();
    progress.expect(10);
    progress.enter(CopyPhase.COPY);
    progress.unitsDone(10);
    progress.view();
    progress.enter(CopyPhase.CATCH_UP);

    assertThat(progress.view().percent()).isEqualTo(99);
  }

  @Test
  void theRateIsThatOfTheCopyAlone() {
    progress.enter(CopyPhase.COPY);
    progress.read(1000, 1);
    seconds(10);
    progress.enter(CopyPhase.COMPARE);
    seconds(100);

    assertThat(progress.view().rowsPerSecond()).isEqualTo(100);
  }

  @Test
  void knowsNoTimeToGoAtTheStart() {
    assertThat(progress.view().etaSeconds()).isEmpty();
    assertThat(progress.view().rowsPerSecond()).isZero();
  }

  private void seconds(int count) {
    nanos.addAndGet(TimeUnit.SECONDS.toNanos(count));
  }
}
