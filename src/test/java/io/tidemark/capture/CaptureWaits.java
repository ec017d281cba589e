package io.tidemark.capture;

import io.tidemark.Await;
import io.tidemark.postgres.PgDatabase;
import java.time.Duration;
import java.util.List;

/** Waits of tests for a capture. */
public final class CaptureWaits {
  private static final Duration LOOK = Duration.ofSeconds(2);

  private CaptureWaits() {}

  /** How far the captures of an instance have come. */
  private record Written(boolean isComplete, List<Long> changes) {}

  /**
   * Waits until the topics hold everything that the source had committed at a position, as long as
   * the capture makes progress: after kills under load its backlog has any size.
   *
   * @param lsn position in the source's WAL
   */
  public static void untilWritten(ChangeTracker tracker, PgDatabase source, long lsn) {
    Await.until(
        () -> {
          boolean isComplete = tracker.awaitWritten(source, lsn, LOOK);
          return new Written(
              isComplete, tracker.captures().stream().map(CaptureView::changesWritten).toList());
        },
        Written::isComplete);
  }
}
