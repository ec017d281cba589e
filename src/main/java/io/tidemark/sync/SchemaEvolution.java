package io.tidemark.sync;

/** What follows when the source table changes its columns. */
public enum SchemaEvolution {
  /** Nothing: a change that no longer fits stops the table. */
  NONE,
  /** New columns are added to the target. */
  ADD_COLUMNS
}
