/**
 * From topic to target: changes become batches, batches become set-wise statements, and rows and
 * the position reached are committed together.
 *
 * <p>Read {@link io.tidemark.apply.KafkaApplyLoop} first, then {@link io.tidemark.apply.Batch}
 * (what a run of changes comes to) and {@link io.tidemark.apply.JdbcApplier} (how it is written
 * exactly once).
 */
@NullMarked
package io.tidemark.apply;

import org.jspecify.annotations.NullMarked;
