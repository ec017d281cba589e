/**
 * Who runs what, and when: {@link io.tidemark.run.SyncService} is the one door through which the
 * outside world acts, {@link io.tidemark.run.SyncEngine} the port behind which capture, apply and
 * copy do the work, and an {@link io.tidemark.run.Execution} the record of one run, kept in {@code
 * sync_executions}.
 *
 * <p>Read {@link io.tidemark.run.SyncService} first.
 */
@NullMarked
package io.tidemark.run;

import org.jspecify.annotations.NullMarked;
