package io.tidemark.copy;

import io.tidemark.change.OperatingFailure;
import io.tidemark.conflict.ConflictPolicy;
import io.tidemark.copy.MergeOutcome.Cancelled;
import io.tidemark.copy.MergeOutcome.Completed;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.sync.TableMapping;
import java.util.Optional;

/**
 * Merges a source table into a target table: rows that the target lacks are inserted, rows that
 * only the target has stay, and of two rows of one key that differ the policy says which one the
 * target keeps, or that a person decides. A merge that is cancelled, fails or is killed has changed
 * neither table.
 */
public final class TableMerge {
  private final PgDatabase source;
  private final PgDatabase target;
  private final CopySettings settings;

  public TableMerge(PgDatabase source, PgDatabase target, CopySettings settings) {
    this.source = source;
    this.target = target;
    this.settings = settings;
  }

  /**
   * Merges one table in the calling thread and threads of its own, all of which have ended when it
   * returns. It is ended early by the cancellation, as {@link TableCopy#run} is.
   *
   * @throws OperatingFailure of kind SOURCE, TARGET, STORE, USER or CAPACITY
   */
  public MergeOutcome run(
      MergeRequest request, MergeHooks hooks, CopyProgress progress, Cancellation cancellation) {
    requireTimestampColumn(request.mapping(), request.policy());
    Optional<Completed> completed =
        new CopyAttempt(source, target)
            .run(
                request.execution(),
                request.mapping(),
                cancellation,
                (sessions, stage) -> {
                  CopyRun run =
                      new CopyRun(
                          CopyRequest.keeping(request.execution(), request.mapping()),
                          settings,
                          new CopyHooks(hooks.join(), hooks.preparation()),
                          progress,
                          cancellation,
                          sessions);
                  return merge(run, stage, request, hooks);
                });
    return completed.<MergeOutcome>map(one -> one).orElseGet(Cancelled::new);
  }

  private static Completed merge(
      CopyRun run, StageTable stage, MergeRequest request, MergeHooks hooks) {
    // A row that waits for a person is not to be loaded, even if the target has lost its own.
    boolean load =
        hooks.join().allowsLoad() && run.targetIsEmpty() && hooks.log().waiting().isEmpty();
    return (load ? new DirectLoad(run).tryLoad() : Optional.<CopyOutcome.Completed>empty())
        .map(TableMerge::loaded)
        .orElseGet(() -> new StagedMerge(run, stage, request, hooks).merge());
  }

  private static Completed loaded(CopyOutcome.Completed load) {
    return new Completed(
        load.rowsRead(), load.rowsInserted(), 0, 0, 0, 0, 0, 0, load.bytes(), load.snapshot());
  }

  private static void requireTimestampColumn(TableMapping mapping, ConflictPolicy policy) {
    policy
        .timestamp()
        .filter(name -> mapping.columns().stream().noneMatch(c -> c.target().name().equals(name)))
        .ifPresent(
            name -> {
              throw new OperatingFailure(
                  OperatingFailure.Kind.USER,
                  "timestamp_column_missing",
                  "no source column goes into '"
                      + name
                      + "' of "
                      + mapping.target().name()
                      + ", by which the newer row is told",
                  "Name another timestamp_column, or add this one to columns",
                  null);
            });
  }
}
