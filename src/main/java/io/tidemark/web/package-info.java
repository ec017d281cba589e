/**
 * The REST API under {@code /api/v1/sync/sql-sync}: thin doors to {@link
 * io.tidemark.run.SyncService}, one resource class for each noun, views of what they answer, and
 * one place where failures become problems (RFC 9457).
 *
 * <p>Read {@link io.tidemark.web.ConfigurationsResource} first, then {@link
 * io.tidemark.web.ProblemMapper}.
 */
@NullMarked
package io.tidemark.web;

import org.jspecify.annotations.NullMarked;
