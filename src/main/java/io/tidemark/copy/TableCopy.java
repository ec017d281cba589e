package io.tidemark.copy;

import io.tidemark.change.OperatingFailure;
import io.tidemark.change.OperatingFailure.Kind;
import io.tidemark.copy.CopyOutcome.Cancelled;
import io.tidemark.copy.CopyOutcome.Completed;
import io.tidemark.copy.CopyRequest.Method;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.postgres.PgSession;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;

/**
 * Makes a target table hold what its source table holds. Readers of the target see its old rows,
 * then the new ones; a copy that is cancelled, fails or is killed has changed nothing.
 *
 * <p>Two ways: a target that is empty, or that the user wants emptied, is loaded directly; any
 * other is compared with a stage and only what differs is written.
 */
public final class TableCopy {
  private final PgDatabase source;
  private final PgDatabase target;
  private final CopySettings settings;

  public TableCopy(PgDatabase source, PgDatabase target, CopySettings settings) {
    this.source = source;
    this.target = target;
    this.settings = settings;
  }

  /**
   * Copies one table in the calling thread and threads of its own, all of which have ended when it
   * returns.
   *
   * <p>It is ended early by the cancellation, not by interrupting the calling thread: a session
   * that waits for its server hears no interrupt.
   *
   * @throws OperatingFailure of kind SOURCE, TARGET, USER or CAPACITY
   */
  public CopyOutcome run(
      CopyRequest request, CopyHooks hooks, CopyProgress progress, Cancellation cancellation) {
    return new CopyAttempt(source, target)
        .<CopyOutcome>run(
            request.execution(),
            request.mapping(),
            cancellation,
            (sessions, stage) ->
                load(
                    new CopyRun(request, settings, hooks, progress, cancellation, sessions), stage))
        .orElseGet(Cancelled::new);
  }

  /**
   * Drops what copies left behind whose process was killed.
   *
   * @param live executions that are running on any instance
   * @return how many stages were dropped
   */
  public static int sweepStages(PgDatabase target, Set<UUID> live) {
    try (PgSession session = PgSession.open(target, Kind.TARGET, "sweep", "stage tables")) {
      session.execute(CopyAttempt.CLEAN_UP_LOCK_TIMEOUT);
      return StageTable.sweep(session, live);
    }
  }

  private static Completed load(CopyRun run, StageTable stage) {
    if (run.request().method() == Method.TRUNCATE || run.targetIsEmpty()) {
      Optional<Completed> loaded = new DirectLoad(run).tryLoad();
      if (loaded.isPresent()) {
        return loaded.get();
      }
    }
    return new StagedLoad(run, stage).load();
  }
}
