package io.tidemark.sync;

/** What a deleted source row does to the target. */
public enum DeleteHandling {
  /** It is deleted there too. */
  APPLY,
  /** It stays. */
  IGNORE
}
