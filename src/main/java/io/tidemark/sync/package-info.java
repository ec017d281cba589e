/**
 * What the user asked to keep in step: {@link io.tidemark.sync.SyncConfiguration}, how it is
 * validated, what is found wrong with it before it runs, and the table {@code sync_configurations}
 * that keeps it.
 *
 * <p>Read {@link io.tidemark.sync.SyncConfiguration} first, then {@link
 * io.tidemark.sync.TableMapping}, which is the configuration once both databases were asked.
 */
@NullMarked
package io.tidemark.sync;

import org.jspecify.annotations.NullMarked;
