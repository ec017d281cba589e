package io.tidemark.copy;

import io.tidemark.postgres.SourceSnapshot;

/** How a copy ended, unless it failed. */
public sealed interface CopyOutcome {
  /** Nothing was changed and nothing was left behind. */
  record Cancelled() implements CopyOutcome {}

  /**
   * The target holds what the snapshot saw, and what the stream had added since.
   *
   * @param rowsRead from the source
   * @param rowsDeleted those of a truncated target as well
   * @param rowsUnchanged equal already, and not written
   * @param rowsCaughtUp changes of the stream that were applied on top of the snapshot
   * @param bytes read from the source, as COPY carries them
   * @param snapshot what of the source the rows show
   */
  record Completed(
      long rowsRead,
      long rowsInserted,
      long rowsUpdated,
      long rowsDeleted,
      long rowsUnchanged,
      long rowsCaughtUp,
      long bytes,
      SourceSnapshot snapshot)
      implements CopyOutcome {}
}
