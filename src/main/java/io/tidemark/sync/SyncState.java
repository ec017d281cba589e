package io.tidemark.sync;

/** What a configuration is doing now. */
public enum SyncState {
  /** Switched off by its definition. */
  DISABLED,
  /** Getting ready: capture starts, or the first copy runs. */
  INITIALIZING,
  /** Changes flow as they are committed. */
  STREAMING,
  /** Waits for its next time. */
  SCHEDULED,
  /** Runs on demand only. */
  IDLE,
  /** Stopped by a person until resumed. */
  PAUSED,
  /** Cannot go on by itself; the reason says what to do. */
  FAILED
}
