package io.tidemark.apply;

/** How an attempt to apply a batch ended. */
public sealed interface Applied {
  /** Rows and position are committed. */
  record Committed(RowCounts counts) implements Applied {}

  /** Somebody else moved the position: nothing was written, and this writer must read it anew. */
  record Fenced() implements Applied {}
}
