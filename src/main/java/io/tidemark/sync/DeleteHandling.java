package io.tidemark.sync;

/** Whether what is gone at the source goes at the target too. */
public enum DeleteHandling {
  APPLY,
  IGNORE
}
