package io.tidemark.boot;

/** What the process was started for. */
enum RunMode {
  SERVE,
  DEMO,
  DEMO_ONCE,
  CHECK,
  /** A check that says also what applying the sync file would do. */
  CHECK_PLAN;

  boolean isCheck() {
    return this == CHECK || this == CHECK_PLAN;
  }
}
