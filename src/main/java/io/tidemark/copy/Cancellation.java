package io.tidemark.copy;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A wish to end one copy early. It is heard at any moment until the copy begins to commit; from
 * then on it is too late and {@link #cancel} says so.
 */
public final class Cancellation {
  private enum State {
    OPEN,
    CANCELLED,
    CLOSED
  }

  private State state = State.OPEN;
  private @Nullable Runnable abort;

  /**
   * Ends the copy: running statements are cancelled and everything is rolled back.
   *
   * @return whether the copy will end without effect; false if it has committed or is about to
   */
  public boolean cancel() {
    List<Runnable> abortNow = new ArrayList<>();
    synchronized (this) {
      if (state == State.OPEN) {
        state = State.CANCELLED;
        if (abort != null) {
          abortNow.add(abort);
        }
      }
      if (state == State.CLOSED) {
        return false;
      }
    }
    // Outside the lock: it talks to the servers, and the copy asks for its state meanwhile.
    abortNow.forEach(Runnable::run);
    return true;
  }

  /** Names what {@link #cancel} runs; runs it at once if the cancellation came first. */
  void onCancel(Runnable action) {
    boolean now;
    synchronized (this) {
      abort = action;
      now = state == State.CANCELLED;
    }
    if (now) {
      action.run();
    }
  }

  /**
   * Closes the door: before the commit, or when the copy failed by itself.
   *
   * @return false if the copy was cancelled before, and so may not commit
   */
  synchronized boolean close() {
    if (state == State.CANCELLED) {
      return false;
    }
    state = State.CLOSED;
    return true;
  }
}
