package io.tidemark.copy;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Runs one copy's parallel work and ends all of it with the first failure. There is no time limit:
 * a copy lasts as long as its table is large, and what it waits for are sessions, which {@link
 * Sessions#abortAll} ends.
 */
final class Workers {
  private final Sessions sessions;
  private final AtomicReference<@Nullable Throwable> first = new AtomicReference<>();

  Workers(Sessions sessions) {
    this.sessions = sessions;
  }

  /** Returns when all have ended; throws the failure that came first, the others under it. */
  void runAll(List<Runnable> work) {
    AtomicInteger number = new AtomicInteger();
    ExecutorService pool =
        Executors.newFixedThreadPool(
            work.size(), task -> new Thread(task, "tidemark-copy-" + number.incrementAndGet()));
    try {
      List<Future<?>> running = new ArrayList<>();
      for (Runnable one : work) {
        running.add(pool.submit(() -> guarded(one)));
      }
      running.forEach(this::await);
    } finally {
      pool.shutdown();
    }
    Throwable failure = first.get();
    if (failure instanceof RuntimeException e) {
      throw e;
    }
    if (failure instanceof Error e) {
      throw e;
    }
  }

  private void guarded(Runnable work) {
    try {
      work.run();
    } catch (RuntimeException | Error e) {
      if (first.compareAndSet(null, e)) {
        sessions.abortAll();
      } else {
        keepUnderFirst(e);
      }
    }
  }

  private void keepUnderFirst(Throwable later) {
    Throwable kept = first.get();
    if (kept != null && kept != later) {
      kept.addSuppressed(later);
    }
  }

  private void await(Future<?> running) {
    boolean interrupted = false;
    while (true) {
      try {
        running.get();
        break;
      } catch (InterruptedException e) {
        // Whoever interrupts wants the copy to end; its threads end with their sessions.
        interrupted = true;
        first.compareAndSet(null, new CopyCancelled());
        sessions.abortAll();
      } catch (ExecutionException e) {
        throw new IllegalStateException("a guarded task threw", e.getCause());
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
