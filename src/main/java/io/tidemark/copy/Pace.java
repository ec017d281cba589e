package io.tidemark.copy;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** A bound on how many rows a second are read; all copies that share one stay below it together. */
public final class Pace {
  /** No bound. */
  public static final Pace FREE = new Pace(0);

  private static final long SECOND = TimeUnit.SECONDS.toNanos(1);

  /** So soon a copy that waits hears that it is to end. */
  private static final long PAUSE_MAX = TimeUnit.MILLISECONDS.toNanos(50);

  private final long rowsPerSecond;

  /** When the rows that were read so far have had their time, as {@link System#nanoTime}. */
  private long due = System.nanoTime();

  /**
   * @param rowsPerSecond 0 for no bound
   */
  public Pace(long rowsPerSecond) {
    if (rowsPerSecond < 0) {
      throw new IllegalArgumentException("rows per second are 0 or more");
    }
    this.rowsPerSecond = rowsPerSecond;
  }

  /** Waits until rows that were read have had their time, or their copy is to end. */
  void spend(long rows, BooleanSupplier isEnding) {
    if (rowsPerSecond == 0) {
      return;
    }
    long until = take(rows, System.nanoTime());
    for (long left = until - System.nanoTime();
        left > 0 && !isEnding.getAsBoolean();
        left = until - System.nanoTime()) {
      LockSupport.parkNanos(Math.min(left, PAUSE_MAX));
    }
  }

  /** When these rows have had their time. Time in which nothing was read is not saved up. */
  synchronized long take(long rows, long now) {
    // Subtracted, not compared: the clock may wrap.
    long start = due - now > 0 ? due : now;
    due = start + (long) ((double) rows / rowsPerSecond * SECOND);
    return due;
  }
}
