package io.tidemark.postgres;

import io.tidemark.change.OperatingFailure;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Asks one database the same question every few seconds, in a thread and over a session of its own:
 * a database that hangs holds up nobody else, and a question costs no new session.
 *
 * @param <T> the answer
 */
public final class PgWatch<T> implements AutoCloseable {
  private static final Logger LOG = System.getLogger(PgWatch.class.getName());

  private static final Duration EVERY = Duration.ofSeconds(3);

  /** A server that takes longer to answer counts as one that does not. */
  private static final Duration ANSWER_MAX = Duration.ofSeconds(8);

  private static final Duration STOP_MAX = Duration.ofSeconds(1);

  /** What is asked. */
  public interface Question<T> {
    /**
     * @throws OperatingFailure if there is no answer; a new session is tried once
     */
    T ask(PgSession session);
  }

  /**
   * The last answer.
   *
   * @param answer null if there was none
   * @param failure null if there was an answer
   * @param beganNanos when it was asked, on this process's clock
   */
  public record Seen<T>(@Nullable T answer, @Nullable OperatingFailure failure, long beganNanos) {
    public Optional<T> known() {
      return Optional.ofNullable(answer);
    }

    public Optional<OperatingFailure> trouble() {
      return Optional.ofNullable(failure);
    }
  }

  private final PgDatabase database;
  private final OperatingFailure.Kind side;
  private final Question<T> question;
  private final Runnable changed;
  private final Semaphore asked = new Semaphore(0);
  private final Thread thread;
  private volatile @Nullable Seen<T> seen;
  private volatile boolean stopping;
  private volatile @Nullable PgSession session;

  /**
   * @param side whose failure it is if the database does not answer
   * @param changed is told after each answer that differs from the one before, or was asked for
   */
  public PgWatch(
      PgDatabase database, OperatingFailure.Kind side, Question<T> question, Runnable changed) {
    this.database = database;
    this.side = side;
    this.question = question;
    this.changed = changed;
    thread = new Thread(this::run, "watch " + database.connection());
    thread.setDaemon(true);
  }

  public void start() {
    thread.start();
  }

  public PgDatabase database() {
    return database;
  }

  /** Empty before the first answer. */
  public Optional<Seen<T>> seen() {
    return Optional.ofNullable(seen);
  }

  /** Asks now, and not only when it is time. */
  public void askNow() {
    asked.release();
  }

  private void run() {
    boolean isAsked = true;
    while (!stopping) {
      Seen<T> before = seen;
      Seen<T> now = look();
      seen = now;
      if (isAsked || before == null || !isSame(before, now)) {
        changed.run();
      }
      try {
        isAsked = asked.tryAcquire(EVERY.toMillis(), TimeUnit.MILLISECONDS);
        asked.drainPermits();
      } catch (InterruptedException e) {
        stopping = true;
      }
    }
    end();
  }

  private boolean isSame(Seen<T> before, Seen<T> now) {
    return before.known().equals(now.known())
        && before.trouble().isPresent() == now.trouble().isPresent();
  }

  private Seen<T> look() {
    long began = System.nanoTime();
    boolean isKept = session != null;
    try {
      return new Seen<>(ask(), null, began);
    } catch (OperatingFailure e) {
      end();
      if (isKept && !stopping) {
        // The server may have ended an idle session; a new one tells whether it is there.
        LOG.log(Level.DEBUG, () -> "the watch of '" + database.connection() + "' begins again", e);
        return look();
      }
      return new Seen<>(null, e, began);
    } catch (RuntimeException e) {
      end();
      LOG.log(Level.WARNING, () -> "'" + database.connection() + "' could not be watched", e);
      return new Seen<>(
          null,
          new OperatingFailure(
              side, "unexpected", "an unexpected " + e.getClass().getSimpleName(), null, e),
          began);
    }
  }

  private T ask() {
    PgSession current = session;
    if (current == null) {
      current =
          PgSession.open(database, side, "watch", "connection '" + database.connection() + "'");
      session = current;
      current.answerWithin(ANSWER_MAX);
    }
    return question.ask(current);
  }

  private void end() {
    PgSession former = session;
    session = null;
    if (former != null) {
      former.close();
    }
  }

  /** Does not wait for a server that hangs: the thread ends with its answer, or without. */
  @Override
  public void close() {
    stopping = true;
    askNow();
    try {
      thread.join(STOP_MAX.toMillis());
      PgSession current = session;
      if (thread.isAlive() && current != null) {
        current.abort();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
