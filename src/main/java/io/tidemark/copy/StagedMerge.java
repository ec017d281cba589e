package io.tidemark.copy;

import io.tidemark.change.OperatingFailure;
import io.tidemark.change.RowKey;
import io.tidemark.change.TableName;
import io.tidemark.copy.MergeDifference.Counts;
import io.tidemark.copy.MergeOutcome.Completed;
import io.tidemark.postgres.PgSession;
import io.tidemark.postgres.PgSession.Begin;
import io.tidemark.postgres.Sql;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Finds by digests which parts of the two tables differ, loads those parts of the source into a
 * stage, and writes what the policy says of each row, in one transaction.
 *
 * <p>INVARIANT: what is compared under the target's lock is, for every key in the stage, the
 * source's row at the very position at which the target stands then. So no change of the source is
 * undone and no older row is written over a newer one, whatever the stream did meanwhile.
 */
final class StagedMerge {
  private static final System.Logger LOG = System.getLogger(StagedMerge.class.getName());

  private final CopyRun run;
  private final StageTable stage;
  private final MergeRequest request;
  private final MergeHooks hooks;
  private final MergeBase base;
  private final KeyRows keyRows;

  StagedMerge(CopyRun run, StageTable stage, MergeRequest request, MergeHooks hooks) {
    this.run = run;
    this.stage = stage;
    this.request = request;
    this.hooks = hooks;
    keyRows = new KeyRows(request.mapping());
    base = new MergeBase(run.writer(), request.mapping(), keyRows);
  }

  Completed merge() {
    PgSession writer = run.writer();
    hooks.join().awaitSeen(run.snapshot());
    hooks.join().changesToApply(run.snapshot(), base);
    long sourceRows = fillStage();
    long staged = run.progress().rows();
    run.progress().enter(CopyPhase.INDEX);
    stage.index(writer);
    stage.analyze(writer);
    base.take(stage.name());
    if (hooks.join().isStreaming()) {
      run.progress().enter(CopyPhase.CATCH_UP);
      hooks.join().catchUpAhead(writer, stage.name(), run.snapshot());
    }
    for (int attempt = 1; ; attempt++) {
      try {
        return write(sourceRows, staged);
      } catch (OperatingFailure e) {
        if (!StagedLoad.mayTryAgain(e, attempt)) {
          throw e;
        }
        LOG.log(
            System.Logger.Level.INFO,
            "Another writer won; the comparison is repeated table={0} attempt={1}",
            request.mapping().target().name(),
            attempt);
        writer.rollback();
      }
    }
  }

  /** Loads what may differ; answers how many rows the source has. */
  private long fillStage() {
    stage.create(run.writer());
    Optional<DigestPlan> plan = plan();
    if (plan.isEmpty() || base.isWholeTable()) {
      run.readInParallel(reader -> () -> StagedLoad.fill(run, stage, reader));
      run.endScan();
      return run.progress().rows();
    }
    run.progress().enter(CopyPhase.DIGEST);
    DigestPlan digests = plan.get();
    BucketDigests[] sides = digest(digests);
    BitSet wanted = sides[0].differingFrom(sides[1]);
    base.addBuckets(digests, wanted);
    LOG.log(
        System.Logger.Level.INFO,
        "Compared by digests table={0} buckets={1} differing={2}",
        request.mapping().target().name(),
        digests.buckets(),
        wanted.cardinality());
    if (!wanted.isEmpty()) {
      run.readOnlyWhere(digests.sourceRowIn(wanted));
      run.readInParallel(reader -> () -> StagedLoad.fill(run, stage, reader));
    }
    run.endScan();
    return sides[0].rows();
  }

  private Optional<DigestPlan> plan() {
    Optional<DigestPlan> plan = DigestPlan.of(request.mapping(), run.scan().estimatedRows());
    String probe = DigestPlan.probe();
    // Servers of another byte order hash differently; then every row is compared in the stage.
    return plan.filter(any -> run.scan().leader().text(probe).equals(run.writer().text(probe)));
  }

  private BucketDigests[] digest(DigestPlan plan) {
    PgSession target = run.sessions().openTarget();
    target.begin(Begin.READ_COMMITTED);
    BucketDigests[] sides = BucketDigests.ofBoth(run.sessions(), run.scan().leader(), target, plan);
    run.sessions().close(target);
    return sides;
  }

  private Completed write(long sourceRows, long staged) {
    PgSession writer = run.writer();
    run.beginWriting();
    // INVARIANT: the planner must not see how many keys an array holds, or it would scan the stage
    // for each array; expecting few, it goes by the key's index.
    writer.execute("set local plan_cache_mode = force_generic_plan");
    hooks.join().catchUp(writer, stage.name(), run.snapshot());
    ConflictRecords records =
        new ConflictRecords(writer, request, hooks.log(), run.snapshot().lsn());
    // INVARIANT: asked under the fence: the loop cannot put another one on record before the
    // commit.
    Set<RowKey> waiting = hooks.log().waiting();
    long setAside = setAside(records, waiting);
    run.progress().enter(CopyPhase.COMPARE);
    MergeDifference difference = new MergeDifference(writer, request, stage, base);
    difference.compare();
    run.progress().enter(CopyPhase.WRITE);
    Counts counts = difference.write(waiting, () -> records.open(stage));
    long left = writer.number("select count(*) from " + Sql.name(stage.name()));
    // INVARIANT: on record before the commit, and not before the merge can no longer be cancelled.
    run.commit(
        () -> {
          records.write();
          rememberKept(writer);
          if (setAside > 0 && !hooks.join().isStreaming()) {
            records.joinWaiting();
          }
          // With the rows, so that a crash after the commit leaves no stage behind.
          stage.drop(writer);
        });
    return new Completed(
        sourceRows,
        counts.inserts(),
        counts.updates(),
        counts.deletes(),
        sourceRows - staged + left - counts.staged(),
        counts.kept() + counts.reviews() + setAside,
        counts.conflicts(),
        counts.conflicts() - counts.reviews(),
        run.progress().bytes(),
        run.snapshot());
  }

  /**
   * Notes which rows stay as they are: the stream must not take them for rows that nobody cares
   * about, however long ago they were written. Without a stream there is no table to note them in.
   */
  private void rememberKept(PgSession writer) {
    if (!writer.isTrue("select to_regclass('tidemark.kept_row') is not null")) {
      return;
    }
    String key =
        request.mapping().key().stream()
            .map(pair -> "t." + Sql.name(pair.target().name()) + "::text")
            .collect(Collectors.joining(", "));
    writer.execute(
        """
        insert into tidemark.kept_row (configuration_id, key_values)
        select '%s', array[%s]
        from pg_temp.tidemark_merge as d
        join %s as t on %s
        where d.decision in ('KEEP', 'REVIEW', 'HELD')
        on conflict do nothing
        """
            .formatted(
                request.configuration(),
                key,
                Difference.targetRelation(request.mapping()),
                Difference.atTargetRow(request.mapping())));
  }

  /** Takes rows out of the stage that wait for a person. */
  private long setAside(ConflictRecords records, Set<RowKey> waiting) {
    if (waiting.isEmpty()) {
      return 0;
    }
    List<RowKey> keys = new ArrayList<>(waiting);
    TableName aside = records.makeWaiting(stage);
    base.remove(keys);
    return keyRows.move(run.writer(), stage.name(), aside, request.mapping(), keys);
  }
}
