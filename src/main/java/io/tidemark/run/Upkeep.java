package io.tidemark.run;

import io.tidemark.change.OperatingFailure;
import io.tidemark.conflict.JdbcConflicts;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * The thread that looks after what is on record: it finishes decisions about conflicts that lost
 * their process, and deletes conflicts and executions that ended long ago. Not the reconciler's,
 * which a target that does not answer would hold up.
 */
final class Upkeep implements AutoCloseable {
  private static final Logger LOG = System.getLogger(Upkeep.class.getName());

  private static final Duration LOOK_EVERY = Duration.ofSeconds(5);

  /** A decision takes some milliseconds; one this old has lost its process, or its target. */
  static final Duration UNDONE_AFTER = Duration.ofSeconds(15);

  private static final int UNDONE_MAX = 100;
  private static final Duration DELETE_EVERY = Duration.ofHours(1);

  /** Rows of one statement: short enough not to be in anybody's way. */
  private static final int DELETE_MAX = 5000;

  private final ConflictDecisions decisions;
  private final JdbcConflicts conflicts;
  private final JdbcExecutions executions;
  private final InstantSource clock;
  private final ScheduledExecutorService thread =
      Executors.newSingleThreadScheduledExecutor(work -> new Thread(work, "upkeep"));
  private final Set<UUID> told = new HashSet<>();
  private Instant deleteAt;

  Upkeep(
      ConflictDecisions decisions,
      JdbcConflicts conflicts,
      JdbcExecutions executions,
      InstantSource clock) {
    this.decisions = decisions;
    this.conflicts = conflicts;
    this.executions = executions;
    this.clock = clock;
    deleteAt = clock.instant();
  }

  void start() {
    thread.scheduleWithFixedDelay(this::round, 0, LOOK_EVERY.toMillis(), TimeUnit.MILLISECONDS);
  }

  private void round() {
    try {
      finishUndone();
      deleteExpired();
    } catch (RuntimeException | Error e) {
      // The next round may come through; a scheduled task that throws would never run again.
      LOG.log(Level.WARNING, () -> "what is on record was not looked after: " + e.getMessage());
    }
  }

  void finishUndone() {
    List<UUID> undone = decisions.undone(clock.instant().minus(UNDONE_AFTER), UNDONE_MAX);
    told.retainAll(undone);
    for (UUID conflict : undone) {
      try {
        decisions
            .finish(conflict)
            .ifPresentOrElse(refusal -> tell(conflict, refusal.detail()), () -> tell(conflict));
      } catch (OperatingFailure e) {
        tell(conflict, String.valueOf(e.getMessage()));
      }
    }
  }

  private static void tell(UUID conflict) {
    LOG.log(Level.INFO, () -> "the decision on conflict " + conflict + " was finished");
  }

  /** Once, however often it is tried. */
  private void tell(UUID conflict, String why) {
    if (told.add(conflict)) {
      LOG.log(Level.WARNING, () -> "the decision on conflict " + conflict + " waits: " + why);
    }
  }

  private void deleteExpired() {
    if (clock.instant().isBefore(deleteAt)) {
      return;
    }
    // A full batch is followed by the next one after the next look: others use the table too.
    int most = Math.max(conflicts.deleteExpired(DELETE_MAX), executions.deleteExpired(DELETE_MAX));
    if (most < DELETE_MAX) {
      deleteAt = clock.instant().plus(DELETE_EVERY);
    }
  }

  @Override
  public void close() {
    thread.shutdown();
    try {
      if (!thread.awaitTermination(10, TimeUnit.SECONDS)) {
        thread.shutdownNow();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
