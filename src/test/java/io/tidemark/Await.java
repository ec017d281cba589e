package io.tidemark;

import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Waits for a condition for as long as there is progress, so that no test depends on the machine's
 * speed. Progress is any change of what is observed: of the value that a condition is about, or of
 * the message with which an assertion fails.
 */
public final class Await {
  /**
   * The longest time without progress. The slowest single step of any test (a start of the program
   * with its servers) takes about 15 s, machines differ by a factor of five, and other tests run at
   * the same time. Only a test that fails waits for so long.
   */
  public static final Duration STALL_MAX = Duration.ofMinutes(10);

  /** Ends a wait whose observation changes forever, such as a counter of attempts. */
  private static final Duration TOTAL_MAX = Duration.ofMinutes(30);

  private static final Duration PAUSE_MIN = Duration.ofMillis(5);
  private static final Duration PAUSE_MAX = Duration.ofMillis(160);

  private final long started = System.nanoTime();
  private long changed = started;
  private Duration pause = PAUSE_MIN;
  private @Nullable Object observed;

  private Await() {}

  /** An assertion about something that changes. */
  public interface Assertion {
    void check() throws Exception;
  }

  /** Waits until the condition holds; what it throws ends the wait. */
  public static void until(Callable<Boolean> condition) {
    until(condition, Boolean::booleanValue);
  }

  /**
   * Waits until the observed value is as wanted, and returns it; what the observation throws ends
   * the wait.
   *
   * @param observe answers a value with an {@code equals} and {@code toString} of its own
   */
  public static <T> T until(Callable<T> observe, Predicate<? super T> isWanted) {
    Await wait = new Await();
    while (true) {
      T value = call(observe);
      if (isWanted.test(value)) {
        return value;
      }
      if (wait.isOver(value)) {
        throw new AssertionError("Still " + value + wait.elapsed());
      }
    }
  }

  /**
   * Calls again and again until the call succeeds, and returns its answer.
   *
   * @param refusal what the call throws while it cannot succeed yet; anything else ends the wait
   */
  public static <T> T untilSucceeds(Class<? extends Exception> refusal, Callable<T> call) {
    Await wait = new Await();
    while (true) {
      try {
        return call.call();
      } catch (Exception e) {
        if (!refusal.isInstance(e)) {
          throw unchecked(e);
        }
        if (wait.isOver(String.valueOf(e.getMessage()))) {
          throw new AssertionError("Still refused" + wait.elapsed() + ": " + e.getMessage(), e);
        }
      }
    }
  }

  /** Waits until the assertion passes; anything but a failed assertion ends the wait. */
  public static void untilAsserted(Assertion assertion) {
    Await wait = new Await();
    while (true) {
      try {
        assertion.check();
        return;
      } catch (AssertionError e) {
        if (wait.isOver(String.valueOf(e.getMessage()))) {
          throw new AssertionError("Still not" + wait.elapsed() + ": " + e.getMessage(), e);
        }
      } catch (Exception e) {
        throw unchecked(e);
      }
    }
  }

  /**
   * The outcome of what runs on another thread, for as long as a wait without progress may last.
   */
  public static <T> T result(Future<T> running) throws ExecutionException, InterruptedException {
    try {
      return running.get(STALL_MAX.toSeconds(), TimeUnit.SECONDS);
    } catch (TimeoutException e) {
      throw new AssertionError("Still running after " + STALL_MAX.toSeconds() + " s", e);
    }
  }

  /**
   * What a call that may block for ever answers, for as long as a wait without progress may last.
   */
  public static <T> T answer(Supplier<T> call) {
    try {
      return result(CompletableFuture.supplyAsync(call, Background.THREADS));
    } catch (ExecutionException e) {
      throw new AssertionError(e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  /** Takes permits, for as long as a wait without progress may last. */
  public static void permits(Semaphore semaphore, int permits) throws InterruptedException {
    if (!semaphore.tryAcquire(permits, STALL_MAX.toSeconds(), TimeUnit.SECONDS)) {
      throw new AssertionError("Still not %d permits: %s".formatted(permits, semaphore));
    }
  }

  /** Pauses, unless there was no progress for too long. */
  private boolean isOver(@Nullable Object value) {
    long now = System.nanoTime();
    if (!Objects.equals(value, observed)) {
      observed = value;
      changed = now;
    }
    if (now - changed > STALL_MAX.toNanos() || now - started > TOTAL_MAX.toNanos()) {
      return true;
    }
    LockSupport.parkNanos(pause.toNanos());
    if (Thread.currentThread().isInterrupted()) {
      throw new IllegalStateException("interrupted while waiting");
    }
    Duration next = pause.multipliedBy(2);
    pause = next.compareTo(PAUSE_MAX) < 0 ? next : PAUSE_MAX;
    return false;
  }

  private String elapsed() {
    long now = System.nanoTime();
    return " after %d s, of which the last %d s without progress"
        .formatted(
            Duration.ofNanos(now - started).toSeconds(),
            Duration.ofNanos(now - changed).toSeconds());
  }

  private static <T> T call(Callable<T> callable) {
    try {
      return callable.call();
    } catch (Exception e) {
      throw unchecked(e);
    }
  }

  private static RuntimeException unchecked(Exception e) {
    if (e instanceof InterruptedException) {
      Thread.currentThread().interrupt();
    }
    return e instanceof RuntimeException unchecked ? unchecked : new IllegalStateException(e);
  }
}
