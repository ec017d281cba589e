package io.tidemark.bench;

import io.tidemark.postgres.PgDatabase;
import java.util.OptionalLong;

/**
 * One that brings changes from the source to a target.
 *
 * @param sender what sends it the source's changes
 * @param writer what writes them to the target
 * @param program the process that runs beside PostgreSQL and the broker; empty for none
 * @param topics the beginning of the names of its topics; empty for none
 */
record Follower(
    String name,
    Backend sender,
    Backend writer,
    PgDatabase target,
    OptionalLong program,
    String topics) {}
