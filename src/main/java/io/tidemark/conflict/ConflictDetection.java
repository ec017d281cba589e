package io.tidemark.conflict;

/** How it is told that somebody else wrote a target row. */
public enum ConflictDetection {
  /** The strongest that the two databases allow. */
  AUTO,
  /** By the replication origin of the transaction that wrote the row last. */
  ORIGIN,
  /** By comparing the row with what the source says it was before. */
  BEFORE_IMAGE,
  /** By the configuration's timestamp column. */
  TIMESTAMP,
  /** By whether the row is there at all. */
  EXISTENCE
}
