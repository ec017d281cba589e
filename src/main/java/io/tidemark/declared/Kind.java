package io.tidemark.declared;

/** What a sync file declares, in the order in which one needs the other. */
public enum Kind {
  CONNECTION,
  CONFIGURATION,
  ORCHESTRATION
}
