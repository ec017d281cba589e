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
  private static final System.Logger LOG = System.getLogger(TableCopy.class.getName());

  /** How long the clean-up after a failed copy waits for sessions that are still rolling back. */
  private static final String CLEAN_UP_LOCK_TIMEOUT = "set lock_timeout = '30s'";

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
    StageTable stage = new StageTable(request.execution(), request.mapping());
    Sessions sessions =
        new Sessions(
            source, target, request.mapping().source().name(), request.mapping().target().name());
    cancellation.onCancel(sessions::abortAll);
    try (sessions) {
      CopyRun run = new CopyRun(request, settings, hooks, progress, cancellation, sessions);
      return load(run, stage);
    } catch (RuntimeException e) {
      sessions.abortAll();
      cleanUp(stage, e);
      if (!cancellation.close() || e instanceof CopyCancelled) {
        LOG.log(System.Logger.Level.DEBUG, "What the cancellation broke off", e);
        return new Cancelled();
      }
      throw e;
    }
  }

  /**
   * Drops what copies left behind whose process was killed.
   *
   * @param live executions that are running on any instance
   * @return how many stages were dropped
   */
  public static int sweepStages(PgDatabase target, Set<UUID> live) {
    try (PgSession session = PgSession.open(target, Kind.TARGET, "sweep", "stage tables")) {
      session.execute(CLEAN_UP_LOCK_TIMEOUT);
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

  /** The copy's own sessions are gone; a new one removes the stage, if there is one. */
  private void cleanUp(StageTable stage, RuntimeException failure) {
    try (PgSession session =
        PgSession.open(target, Kind.TARGET, "clean-up", "stage of the failed copy")) {
      session.execute(CLEAN_UP_LOCK_TIMEOUT);
      stage.dropOnceAbandoned(session);
    } catch (OperatingFailure e) {
      failure.addSuppressed(e);
      LOG.log(
          System.Logger.Level.WARNING,
          "The stage stays until the next sweep stage={0} reason={1}",
          stage.name(),
          e.getMessage());
    }
  }
}
