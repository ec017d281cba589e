/**
 * What happens when a target row was written by somebody else: how that is told, who wins, and the
 * table {@code sync_conflicts}, where no decision goes unrecorded.
 *
 * <p>Read {@link io.tidemark.conflict.Conflict} first: one row about which the two sides differ.
 */
@NullMarked
package io.tidemark.conflict;

import org.jspecify.annotations.NullMarked;
