package io.tidemark.bench;

import io.tidemark.postgres.PgDatabase;
import java.util.OptionalLong;

/**
 * One that brings changes from the source to a target.
 *
 * @param slot a pattern, as of {@code like}, of the name of its slot at the source
 * @param writer what writes changes to the target
 * @param program the process that runs beside PostgreSQL and the broker; empty for none
 * @param topics the beginning of the names of its topics; empty for none
 */
record Follower(
    String name,
    PgDatabase source,
    String slot,
    Backend writer,
    PgDatabase target,
    OptionalLong program,
    String topics) {
  /** What sends it the source's changes. */
  Backend sender() {
    return Backend.sender(source, slot);
  }
}
