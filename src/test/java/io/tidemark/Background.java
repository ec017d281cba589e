package io.tidemark;

import java.util.concurrent.Executor;

/** Runs tasks of tests in threads of their own: the common pool may have none left. */
public final class Background {
  public static final Executor THREADS =
      task -> {
        Thread thread = new Thread(task, "background");
        thread.setDaemon(true);
        thread.start();
      };

  private Background() {}
}
