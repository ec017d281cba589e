/**
 * Several syncs as one: {@link io.tidemark.orchestration.OrchestrationService} keeps what is to run
 * together, {@link io.tidemark.orchestration.OrchestrationRunner} runs it when it is asked for or
 * due, and an {@link io.tidemark.orchestration.OrchestrationExecution} is the record of one run.
 *
 * <p>The syncs themselves run as they always do, through {@link io.tidemark.run.SyncService}; here
 * is only decided which one is next. Read {@link io.tidemark.orchestration.RunOrder} first.
 */
@NullMarked
package io.tidemark.orchestration;

import org.jspecify.annotations.NullMarked;
