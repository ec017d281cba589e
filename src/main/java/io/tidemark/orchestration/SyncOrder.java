package io.tidemark.orchestration;

/** In which order the syncs begin. */
public enum SyncOrder {
  /** As they are listed. */
  GIVEN,
  /** A table after those that its foreign keys refer to; as they are listed otherwise. */
  FOREIGN_KEYS
}
