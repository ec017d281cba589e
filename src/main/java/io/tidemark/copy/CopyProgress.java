package io.tidemark.copy;

import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/**
 * How far one copy is. The copy's threads write it once per buffer of rows, anyone reads it at any
 * time; what a reader gets is a moment's {@link View}.
 */
public final class CopyProgress {
  /**
   * A moment of a copy.
   *
   * @param percent 0 to 100, never falling
   * @param rows read from the source so far
   * @param bytes read from the source so far
   * @param rowsPerSecond on average since the rows began to flow
   * @param etaSeconds seconds to go, empty while there is nothing to tell it from
   */
  public record View(
      CopyPhase phase,
      int percent,
      long rows,
      long bytes,
      long rowsPerSecond,
      OptionalLong etaSeconds) {}

  /** Below this percentage an estimate of the time to go is a guess. */
  private static final int PERCENT_FOR_ETA = 3;

  private final LongSupplier nanoClock;
  private final Consumer<CopyPhase> onPhase;
  private final LongAdder rows = new LongAdder();
  private final LongAdder bytes = new LongAdder();
  private final LongAdder unitsDone = new LongAdder();
  private final AtomicInteger highest = new AtomicInteger();
  private volatile CopyPhase phase = CopyPhase.SNAPSHOT;
  private volatile CopyPhase copyingAs = CopyPhase.COPY;
  private volatile long unitsExpected;
  private volatile long startNanos;
  private volatile long copyNanos;
  private volatile long copyEndNanos;

  /**
   * @param nanoClock as {@link System#nanoTime}
   */
  public CopyProgress(LongSupplier nanoClock) {
    this(nanoClock, phase -> {});
  }

  /**
   * @param onPhase called by the copying thread at the start of each phase; must return at once
   */
  public CopyProgress(LongSupplier nanoClock, Consumer<CopyPhase> onPhase) {
    this.nanoClock = nanoClock;
    this.onPhase = onPhase;
    this.startNanos = nanoClock.getAsLong();
  }

  public View view() {
    long now = nanoClock.getAsLong();
    long read = rows.sum();
    int percent = highest.accumulateAndGet(percentNow(), Math::max);
    return new View(phase, percent, read, bytes.sum(), rowsPerSecond(now, read), eta(now, percent));
  }

  /** A direct load has no phases after the copy but the commit: its copy is nearly all there is. */
  void expectDirectLoad() {
    copyingAs = CopyPhase.WRITE;
  }

  /** The size of what will be read, in units of the caller's own (blocks, or estimated rows). */
  void expect(long units) {
    unitsExpected = units;
  }

  void enter(CopyPhase next) {
    long now = nanoClock.getAsLong();
    if (next == CopyPhase.COPY) {
      copyNanos = now;
    } else if (phase == CopyPhase.COPY) {
      copyEndNanos = now;
    }
    phase = next;
    onPhase.accept(next);
  }

  void read(long moreRows, long moreBytes) {
    rows.add(moreRows);
    bytes.add(moreBytes);
  }

  void unitsDone(long units) {
    unitsDone.add(units);
  }

  long rows() {
    return rows.sum();
  }

  long bytes() {
    return bytes.sum();
  }

  private int percentNow() {
    CopyPhase now = phase;
    if (now != CopyPhase.COPY || unitsExpected == 0) {
      return now.percentAtStart();
    }
    double share = Math.min(1, (double) unitsDone.sum() / unitsExpected);
    int width = copyingAs.percentAtEnd() - CopyPhase.COPY.percentAtStart();
    return CopyPhase.COPY.percentAtStart() + (int) (share * width);
  }

  private long rowsPerSecond(long now, long read) {
    if (read == 0) {
      return 0;
    }
    long end = phase == CopyPhase.COPY ? now : copyEndNanos;
    long micros = Math.max(1, TimeUnit.NANOSECONDS.toMicros(end - copyNanos));
    return read * TimeUnit.SECONDS.toMicros(1) / micros;
  }

  private OptionalLong eta(long now, int percent) {
    if (percent < PERCENT_FOR_ETA) {
      return OptionalLong.empty();
    }
    long elapsed = now - startNanos;
    return OptionalLong.of(
        TimeUnit.NANOSECONDS.toSeconds((long) ((double) elapsed * (100 - percent) / percent)));
  }
}
