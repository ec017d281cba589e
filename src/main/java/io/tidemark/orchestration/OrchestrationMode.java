package io.tidemark.orchestration;

/** Whether one sync waits for the one before it. */
public enum OrchestrationMode {
  SEQUENTIAL,
  PARALLEL
}
