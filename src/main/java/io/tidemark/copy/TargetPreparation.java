package io.tidemark.copy;

import io.tidemark.postgres.PgSession;

/**
 * What is done on a target session before it writes the user's table, such as setting its
 * replication origin. Called once per session, outside a transaction. Sessions that only fill the
 * stage are not prepared: an origin can be active in one session at a time.
 */
@FunctionalInterface
public interface TargetPreparation {
  /** Nothing to prepare. */
  TargetPreparation NONE = session -> {};

  void prepare(PgSession session);
}
