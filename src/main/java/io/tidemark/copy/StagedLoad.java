package io.tidemark.copy;

import io.tidemark.change.OperatingFailure;
import io.tidemark.copy.CopyOutcome.Completed;
import io.tidemark.postgres.PgSession;
import io.tidemark.postgres.PgSession.Begin;
import io.tidemark.postgres.Sql;
import java.util.Set;

/** Loads a stage in parallel, then writes to the target what differs, in one transaction. */
final class StagedLoad {
  private static final System.Logger LOG = System.getLogger(StagedLoad.class.getName());

  /**
   * How often the writing transaction is tried when it loses against other writers of the target:
   * the stage is kept, so that a retry costs only the comparison.
   */
  private static final int TRIES_MAX = 4;

  private static final Set<String> LOST_TO_OTHERS = Set.of("deadlock", "serialization_failure");

  private final CopyRun run;
  private final StageTable stage;

  StagedLoad(CopyRun run, StageTable stage) {
    this.run = run;
    this.stage = stage;
  }

  Completed load() {
    PgSession writer = run.writer();
    stage.create(writer);
    run.readInParallel(reader -> () -> fill(run, stage, reader));
    run.endScan();
    if (run.join().isStreaming() || !stage.sourceKeepsKeyUnique()) {
      run.progress().enter(CopyPhase.INDEX);
      stage.index(writer);
    }
    stage.analyze(writer);
    long ahead = 0;
    if (run.join().isStreaming()) {
      run.progress().enter(CopyPhase.CATCH_UP);
      ahead = run.join().catchUpAhead(writer, stage.name(), run.snapshot());
    }
    for (int attempt = 1; ; attempt++) {
      try {
        return write(ahead);
      } catch (OperatingFailure e) {
        if (!mayTryAgain(e, attempt)) {
          throw e;
        }
        LOG.log(
            System.Logger.Level.INFO,
            "Another writer won; the comparison is repeated table={0} attempt={1}",
            run.mapping().target().name(),
            attempt);
        writer.rollback();
      }
    }
  }

  /** Whether the writing transaction lost against another writer, and may win if repeated. */
  static boolean mayTryAgain(OperatingFailure failure, int attempt) {
    return attempt < TRIES_MAX && LOST_TO_OTHERS.contains(failure.code());
  }

  /** Carries what one reader reads to the stage, in a session of its own. */
  static void fill(CopyRun run, StageTable stage, CopyRun.ChunkReader reader) {
    PgSession session = run.sessions().openTarget();
    session.begin(Begin.READ_COMMITTED);
    TargetStream stream = TargetStream.into(stage.name(), run.mapping(), run.format(), session);
    reader.readInto(stream);
    stream.finish();
    session.commit();
    run.sessions().close(session);
  }

  private Completed write(long ahead) {
    PgSession writer = run.writer();
    run.beginWriting();
    long caughtUp = ahead + run.join().catchUp(writer, stage.name(), run.snapshot());
    run.progress().enter(CopyPhase.COMPARE);
    Difference difference = new Difference(writer, run.mapping(), stage);
    Difference.Counts counts = difference.compare(run.request().absent());
    run.progress().enter(CopyPhase.WRITE);
    difference.write(counts);
    long staged = stagedRows(writer);
    // With the rows, so that a crash after the commit leaves no stage behind.
    stage.drop(writer);
    run.commit();
    return new Completed(
        run.progress().rows(),
        counts.inserts(),
        counts.updates(),
        counts.deletes(),
        staged - counts.inserts() - counts.updates(),
        caughtUp,
        run.progress().bytes(),
        run.snapshot());
  }

  /** Catching up adds and removes rows, so only then is the number of rows read not that. */
  private long stagedRows(PgSession writer) {
    return run.join().isStreaming()
        ? writer.number("select count(*) from " + Sql.name(stage.name()))
        : run.progress().rows();
  }
}
