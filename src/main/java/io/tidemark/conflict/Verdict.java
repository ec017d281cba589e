package io.tidemark.conflict;

/** What becomes of the two sides of a conflict. */
public enum Verdict {
  /** The source's row, or its absence, replaces the target's. */
  APPLY,
  /** The target's row, or its absence, stays. */
  KEEP,
  /** A person decides; until then the target's row stays, and later changes of the key wait. */
  REVIEW
}
