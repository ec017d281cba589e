package io.tidemark.orchestration;

/** What becomes of the other syncs when one did not complete. */
public enum OnFailure {
  /** Those that run go on to their end; no other one begins. */
  STOP,
  CONTINUE
}
