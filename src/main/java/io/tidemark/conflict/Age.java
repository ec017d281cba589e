package io.tidemark.conflict;

/** Which side of a conflict is the newer one by the configuration's timestamp column. */
public enum Age {
  SOURCE_NEWER,
  /** Both have one time, or neither has any. */
  SAME,
  TARGET_NEWER,
  /** One side has no row, so its time is not known. */
  UNKNOWN
}
