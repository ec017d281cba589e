package io.tidemark.boot;

/** What the process was started for. */
enum RunMode {
  SERVE,
  DEMO,
  DEMO_ONCE,
  CHECK
}
