package io.tidemark.copy;

import io.tidemark.postgres.SourceSnapshot;

/** How a merge ended, unless it failed. */
public sealed interface MergeOutcome {
  /** Nothing was changed and nothing was left behind. */
  record Cancelled() implements MergeOutcome {}

  /**
   * The target has every row of the source, and where both had one, what the policy says.
   *
   * @param rowsRead the source's rows that the snapshot saw
   * @param rowsInserted those that the target lacked
   * @param rowsUpdated those that the source's row replaced
   * @param rowsDeleted rows that the source deleted while a stream began with this merge, and rows
   *     that held a unique value and gave way
   * @param rowsUnchanged equal already
   * @param rowsSkipped the target stayed as it is although it differs: kept, or a person decides
   * @param conflictsDetected rows that differed, and unique values that both sides gave
   * @param conflictsResolved those of them that the policy decided
   * @param bytes read from the source, as COPY carries them; digests are not counted
   */
  record Completed(
      long rowsRead,
      long rowsInserted,
      long rowsUpdated,
      long rowsDeleted,
      long rowsUnchanged,
      long rowsSkipped,
      long conflictsDetected,
      long conflictsResolved,
      long bytes,
      SourceSnapshot snapshot)
      implements MergeOutcome {}
}
