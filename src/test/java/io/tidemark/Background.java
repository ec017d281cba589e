package io.tidemark;

import java.util.concurrent.Executor;

/**
 * What runs beside a test, each in a thread of its own: the common pool may have no thread left.
 */
public final class Background {
  public static final Executor THREADS =
      task -> {
        Thread thread = new Thread(task, "background");
        thread.setDaemon(true);
        thread.start();
      };

  private Background() {}
}
