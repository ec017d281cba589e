package io.tidemark.conflict;

/** Where a conflict stands. */
public enum ConflictStatus {
  /** Waits for a person. */
  PENDING,
  /** Decided, by a person or by the configuration's strategy. */
  RESOLVED,
  /** A later change of the same row took its place. */
  SUPERSEDED
}
