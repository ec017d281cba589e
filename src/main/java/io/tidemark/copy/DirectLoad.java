package io.tidemark.copy;

import io.tidemark.copy.CopyOutcome.Completed;
import io.tidemark.copy.CopyRequest.Method;
import io.tidemark.postgres.PgSession;
import io.tidemark.postgres.Sql;
import java.util.Optional;

/**
 * Loads straight into the target, in one target transaction: when it is empty, or is to be emptied.
 *
 * <p>One reader feeds it: the target's session is the bottleneck, and rows in the source's order
 * let it append to the key's index. Two readers were measured 10 to 20 % slower on two cores.
 */
final class DirectLoad {
  private final CopyRun run;

  DirectLoad(CopyRun run) {
    this.run = run;
  }

  /** Loads; empty if the target, looked at under the lock, is not empty and may not be emptied. */
  Optional<Completed> tryLoad() {
    PgSession writer = run.writer();
    run.beginWriting();
    long emptied = 0;
    if (run.request().method() == Method.TRUNCATE) {
      emptied = empty(writer);
    } else if (!run.targetIsEmpty()) {
      writer.rollback();
      return Optional.empty();
    }
    run.progress().expectDirectLoad();
    TargetStream stream =
        TargetStream.into(run.mapping().target().name(), run.mapping(), run.format(), writer);
    run.readInOrder(stream);
    long inserted = stream.finish();
    run.endScan();
    long caughtUp = catchUp(writer);
    run.commit();
    return Optional.of(
        new Completed(
            run.progress().rows(),
            inserted,
            0,
            emptied,
            0,
            caughtUp,
            run.progress().bytes(),
            run.snapshot()));
  }

  /** TRUNCATE does not tell how many rows it took; counting costs little beside the load. */
  private long empty(PgSession writer) {
    String target = Difference.targetRelation(run.mapping());
    long rows = writer.number("select count(*) from " + target);
    writer.execute("truncate " + target);
    return rows;
  }

  private long catchUp(PgSession writer) {
    if (!run.join().isStreaming()) {
      return 0;
    }
    run.progress().enter(CopyPhase.CATCH_UP);
    analyzeKey(writer);
    return run.join().catchUp(writer, run.mapping().target().name(), run.snapshot());
  }

  /**
   * INVARIANT: the catch-up joins the target by its key, and the statistics still say that it is
   * empty. Few rows are looked at: the server looks at more by itself once the load is committed.
   */
  private void analyzeKey(PgSession writer) {
    writer.execute("set local default_statistics_target = 10");
    writer.execute(
        "analyze %s (%s)".formatted(run.targetName(), Sql.names(run.mapping().targetKeyNames())));
    writer.execute("set local default_statistics_target to default");
  }
}
