package io.tidemark.apply;

/** How an attempt to apply a batch ended. */
public sealed interface Applied {
  /** Rows and position are committed. */
  record Committed(RowCounts counts) implements Applied {}

  /** Somebody else moved the position: nothing was written, and this writer must read it anew. */
  record Fenced() implements Applied {}

  /**
   * Nothing was written: of a row that both sides may have written it depends on what else a
   * transaction has changed, of which the topic may hold more than the batch.
   *
   * @param topic the side's whose last transaction is to be read to its end first
   */
  record Unfinished(String topic) implements Applied {}
}
