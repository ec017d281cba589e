package io.tidemark.conflict;

/** Whose row stands in the end. */
public enum Resolution {
  /** The source's newest row, or its absence. */
  SOURCE,
  /** The target's row, or its absence. */
  TARGET,
  /** A row that a person has written. */
  CUSTOM
}
