package io.tidemark.run;

/** What set an execution going. */
public enum ExecutionTrigger {
  MANUAL,
  SCHEDULE,
  /** The record of a continuous stream; it does not stand in the way of others. */
  STREAM,
  /** The first copy of a configuration. */
  INITIAL,
  ORCHESTRATION
}
