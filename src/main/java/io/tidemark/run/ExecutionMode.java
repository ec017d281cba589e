package io.tidemark.run;

import io.tidemark.sync.SyncDefinition;

/** What an execution does. */
public enum ExecutionMode {
  FULL,
  /** Applies everything committed at the source before it was asked for. */
  INCREMENTAL,
  MERGE,
  /** Compares, and writes nothing unless it is to repair what it finds. */
  VERIFY;

  /** What a configuration does unless something else is asked for. */
  static ExecutionMode of(SyncDefinition definition) {
    return switch (definition.strategy()) {
      case FULL -> FULL;
      case INCREMENTAL -> INCREMENTAL;
      case MERGE -> MERGE;
    };
  }
}
