package io.tidemark.apply;

import io.tidemark.change.OperatingFailure;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.WakeupException;
import org.jspecify.annotations.Nullable;

/**
 * One thread of an apply loop. It never gives up: whatever fails is tried again with growing
 * pauses, and said in {@link #state()} meanwhile.
 */
final class KafkaApplyThread implements AutoCloseable {
  private static final Logger LOG = System.getLogger(KafkaApplyThread.class.getName());

  /** A batch in flight is given this long to commit before the thread is interrupted. */
  private static final Duration STOP_MAX = Duration.ofSeconds(20);

  /** Opens a session each time the thread starts over. */
  interface Sessions {
    ApplySession open();
  }

  private final String topic;
  private final Sessions sessions;
  private final ApplySettings settings;
  private final InstantSource clock;
  private final CountDownLatch stopping = new CountDownLatch(1);
  private final AtomicReference<ApplyState> state;
  private final Thread thread;
  private volatile @Nullable ApplySession session;
  private Runnable onChange = () -> {};

  KafkaApplyThread(String topic, Sessions sessions, ApplySettings settings, InstantSource clock) {
    this.topic = topic;
    this.sessions = sessions;
    this.settings = settings;
    this.clock = clock;
    state = new AtomicReference<>(new ApplyState.Stopped(clock.instant()));
    thread = new Thread(this::run, "apply " + topic);
  }

  /**
   * @param changed is told, in this thread, each time it does something else
   */
  void start(Runnable changed) {
    onChange = changed;
    thread.start();
  }

  ApplyState state() {
    return state.get();
  }

  private void become(ApplyState next) {
    state.set(next);
    onChange.run();
  }

  private boolean isStopping() {
    return stopping.getCount() == 0;
  }

  private void run() {
    int attempts = 0;
    while (!isStopping()) {
      Instant started = clock.instant();
      if (attempts == 0) {
        become(new ApplyState.Starting(started));
      }
      try {
        consume();
        attempts = 0;
      } catch (WakeupException e) {
        // close() woke the consumer; the loop's condition ends it.
        continue;
      } catch (KafkaException | OperatingFailure e) {
        boolean hadRun = state.get() instanceof ApplyState.Running;
        attempts = hadRun ? 1 : attempts + 1;
        retrying(e, attempts);
      } catch (RuntimeException e) {
        // A broken promise of our own code: seen, logged whole, and tried again like any failure.
        LOG.log(Level.ERROR, () -> "apply of " + topic + " failed unexpectedly", e);
        attempts++;
        retrying(e, attempts);
      } catch (OutOfMemoryError e) {
        // A large row, as a rule: whoever waits for it has to be told, and others go on.
        attempts++;
        retrying(outOfMemory(e), attempts);
      }
      pause(attempts);
    }
    become(new ApplyState.Stopped(clock.instant()));
  }

  private OperatingFailure outOfMemory(OutOfMemoryError e) {
    long megabytes = Runtime.getRuntime().maxMemory() >> 20;
    return new OperatingFailure(
        OperatingFailure.Kind.CAPACITY,
        "out_of_memory",
        "the next changes of %s do not fit into this process's memory of %d MB"
            .formatted(topic, megabytes),
        "start it with more (java -Xmx…): a row takes up to ten times its own size; or give the"
            + " configuration a smaller batch_size",
        e);
  }

  private void consume() {
    try (ApplySession opened = sessions.open()) {
      session = opened;
      while (!isStopping()) {
        opened.step();
        if (opened.isFlowing() && !(state.get() instanceof ApplyState.Running)) {
          become(new ApplyState.Running(clock.instant()));
        } else if (opened.isStandingBy() && state.get() instanceof ApplyState.Retrying) {
          become(new ApplyState.Starting(clock.instant()));
        }
      }
    } finally {
      session = null;
    }
  }

  private void retrying(Exception e, int attempts) {
    OperatingFailure failure = failure(e);
    Instant since =
        state.get() instanceof ApplyState.Retrying earlier ? earlier.since() : clock.instant();
    become(
        new ApplyState.Retrying(
            since, failure.code(), reason(failure), failure.hint().orElse(""), attempts));
    LOG.log(
        Level.WARNING,
        () -> "apply of " + topic + ", attempt " + attempts + ": " + reason(failure));
  }

  private static String reason(OperatingFailure failure) {
    return String.valueOf(failure.getMessage());
  }

  /** The failure itself, or the one that the consumer wrapped, or what Kafka's own means. */
  private OperatingFailure failure(Exception e) {
    for (Throwable cause = e; cause != null; cause = cause.getCause()) {
      if (cause instanceof OperatingFailure failure) {
        return failure;
      }
    }
    if (e instanceof KafkaException) {
      return new OperatingFailure(
          OperatingFailure.Kind.BROKER,
          "broker_unreachable",
          "Kafka: " + e.getMessage() + " (" + e.getClass().getSimpleName() + ")",
          "check that the brokers are up and reachable, and that this user may read " + topic,
          e);
    }
    return new OperatingFailure(
        OperatingFailure.Kind.CAPACITY,
        "unexpected",
        "an unexpected " + e.getClass().getSimpleName() + "; the log has it whole",
        null,
        e);
  }

  private void pause(int attempts) {
    if (attempts == 0) {
      return;
    }
    Duration pause = settings.backoff().pause(attempts, ThreadLocalRandom.current());
    try {
      if (stopping.await(pause.toMillis(), TimeUnit.MILLISECONDS)) {
        LOG.log(Level.DEBUG, () -> "apply of " + topic + " stops");
      }
    } catch (InterruptedException e) {
      // Only close() interrupts this thread, and it has already said that the loop is to stop.
      stopping.countDown();
    }
  }

  /** Makes it stop after the batch in flight, and does not wait for that; idempotent. */
  void stop() {
    stopping.countDown();
    ApplySession current = session;
    if (current != null) {
      current.wakeup();
    }
  }

  /** Stops it, and waits until it has. */
  @Override
  public void close() {
    stop();
    if (!thread.isAlive()) {
      return;
    }
    try {
      thread.join(STOP_MAX.toMillis());
      if (thread.isAlive()) {
        LOG.log(Level.WARNING, () -> "apply of " + topic + " does not stop: interrupted");
        thread.interrupt();
        thread.join(STOP_MAX.toMillis());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
