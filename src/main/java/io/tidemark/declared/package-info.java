/**
 * Connections, configurations and orchestrations as a file declares them. Owns the file's format,
 * the plan from what is there to what is declared, and the record of what the file owns: what it
 * names is changed in the file only, and goes when the file no longer names it. Start with {@link
 * io.tidemark.declared.DeclaredSyncs}.
 */
@NullMarked
package io.tidemark.declared;

import org.jspecify.annotations.NullMarked;
