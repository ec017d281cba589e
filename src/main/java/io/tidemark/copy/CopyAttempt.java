package io.tidemark.copy;

import io.tidemark.change.OperatingFailure;
import io.tidemark.change.OperatingFailure.Kind;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.postgres.PgSession;
import io.tidemark.sync.TableMapping;
import java.util.Optional;
import java.util.UUID;
import java.util.function.BiFunction;

/** One try at bringing a table over: however it ends, no session and no stage is left behind. */
final class CopyAttempt {
  private static final System.Logger LOG = System.getLogger(CopyAttempt.class.getName());

  /** How long the clean-up after a failed copy waits for sessions that are still rolling back. */
  static final String CLEAN_UP_LOCK_TIMEOUT = "set lock_timeout = '30s'";

  private final PgDatabase source;
  private final PgDatabase target;

  CopyAttempt(PgDatabase source, PgDatabase target) {
    this.source = source;
    this.target = target;
  }

  /** What the work came to; empty if it was cancelled. */
  <T> Optional<T> run(
      UUID execution,
      TableMapping mapping,
      Cancellation cancellation,
      BiFunction<Sessions, StageTable, T> work) {
    StageTable stage = new StageTable(execution, mapping);
    Sessions sessions =
        new Sessions(source, target, mapping.source().name(), mapping.target().name());
    cancellation.onCancel(sessions::abortAll);
    try (sessions) {
      return Optional.of(work.apply(sessions, stage));
    } catch (RuntimeException e) {
      sessions.abortAll();
      cleanUp(stage, e);
      if (!cancellation.close() || e instanceof CopyCancelled) {
        LOG.log(System.Logger.Level.DEBUG, "What the cancellation broke off", e);
        return Optional.empty();
      }
      throw e;
    }
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
