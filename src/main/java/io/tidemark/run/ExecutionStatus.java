package io.tidemark.run;

/** Where an execution stands. */
public enum ExecutionStatus {
  PENDING,
  RUNNING,
  COMPLETED,
  FAILED,
  CANCELLED;

  /** Whether nothing changes any more. */
  public boolean isFinal() {
    return this != PENDING && this != RUNNING;
  }
}
