package io.tidemark.sync;

/** Whether a full copy comes first. */
public enum InitialSync {
  /** When the target has never been in step. */
  AUTO,
  /** The target is taken to be in step already. */
  NEVER
}
