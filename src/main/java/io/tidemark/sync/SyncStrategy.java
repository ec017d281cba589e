package io.tidemark.sync;

/** What is done to bring the target in step. */
public enum SyncStrategy {
  /** Everything is read and compared. */
  FULL,
  /** Only what changed is carried over. */
  INCREMENTAL,
  /** Both sides are brought together, with a rule for rows that differ. */
  MERGE
}
