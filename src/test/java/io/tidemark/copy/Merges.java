package io.tidemark.copy;

import io.tidemark.conflict.ConflictDetection;
import io.tidemark.conflict.ConflictPolicy;
import io.tidemark.conflict.ConflictResolution;
import io.tidemark.copy.MergeOutcome.Completed;
import io.tidemark.sync.TableMapping;
import java.time.Duration;
import java.util.UUID;

/** Merges between the two databases of a fixture. */
final class Merges {
  static final CopySettings SMALL = new CopySettings(2, 64 << 10, 8 << 10, Duration.ofMinutes(10));

  private Merges() {}

  static ConflictPolicy policy(ConflictResolution strategy) {
    return new ConflictPolicy(
        strategy,
        ConflictDetection.EXISTENCE,
        strategy == ConflictResolution.TIMESTAMP ? "updated_at" : null,
        false);
  }

  static MergeRequest request(TableMapping mapping, ConflictResolution strategy) {
    return new MergeRequest(
        UUID.randomUUID(), UUID.randomUUID(), mapping, policy(strategy), "topic");
  }

  static Completed completed(
      PgFixture pg,
      TableMapping mapping,
      ConflictResolution strategy,
      MergeJoin join,
      RecordedConflicts log) {
    return (Completed)
        run(pg, request(mapping, strategy), join, log, new Cancellation(), progress());
  }

  static MergeOutcome run(
      PgFixture pg,
      MergeRequest request,
      MergeJoin join,
      RecordedConflicts log,
      Cancellation cancellation,
      CopyProgress progress) {
    return new TableMerge(pg.source, pg.target, SMALL)
        .run(request, new MergeHooks(join, TargetPreparation.NONE, log), progress, cancellation);
  }

  static CopyProgress progress() {
    return new CopyProgress(System::nanoTime);
  }
}
