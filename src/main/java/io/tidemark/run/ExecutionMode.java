package io.tidemark.run;

/** What an execution does. */
public enum ExecutionMode {
  FULL,
  /** Applies everything committed at the source before it was asked for. */
  INCREMENTAL,
  MERGE,
  /** Compares, and writes nothing unless it is to repair what it finds. */
  VERIFY
}
