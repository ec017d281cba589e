/**
 * Set-wise work: a whole table's rows from source to target by COPY, in parallel, consistent with
 * the change stream, and so that readers of the target never see a half-done state.
 *
 * <p>Read {@link io.tidemark.copy.TableCopy} first: it decides between the two ways, {@code
 * DirectLoad} into an empty or emptied table and {@code StagedLoad}, which writes only what
 * differs. {@link io.tidemark.copy.StreamJoin} is where the change stream is joined. This room
 * knows PostgreSQL through {@code PgSession} alone and starts no thread that outlives a copy.
 */
@NullMarked
package io.tidemark.copy;

import org.jspecify.annotations.NullMarked;
