package io.tidemark.run;

/** When a capture is made anew. */
public enum ResetIf {
  /** Only if it may have missed changes and therefore does not go on. */
  FAILED,
  ALWAYS
}
