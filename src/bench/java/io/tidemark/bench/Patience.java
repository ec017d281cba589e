package io.tidemark.bench;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** Waits for something in steps, but not for ever: a contender may have failed. */
final class Patience {
  private static final Duration MAX = Duration.ofMinutes(20);

  private final String what;
  private final long start = System.nanoTime();

  Patience(String what) {
    this.what = what;
  }

  void step(long millis) {
    if (System.nanoTime() - start > MAX.toNanos()) {
      throw new IllegalStateException("waited " + MAX + " in vain for " + what);
    }
    LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(millis));
  }
}
