package io.tidemark.conflict;

/** Who wins when both sides wrote a row. */
public enum ConflictResolution {
  SOURCE_WINS,
  TARGET_WINS,
  /** The newer one by the configuration's timestamp column. */
  TIMESTAMP,
  /** A person decides. */
  MANUAL
}
