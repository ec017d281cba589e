/**
 * Where the program starts and its rooms are put together: commands, settings, the embedded stack
 * for what is not configured, the beans, health and metrics. Nothing else knows them all.
 *
 * <p>Read {@link io.tidemark.boot.Main} first, then {@link io.tidemark.boot.Wiring}.
 */
@NullMarked
package io.tidemark.boot;

import org.jspecify.annotations.NullMarked;
