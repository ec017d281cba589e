package io.tidemark.copy;

import io.tidemark.change.RowKey;
import io.tidemark.copy.Verification.Kind;

/**
 * A row that was not the same on both sides when they were read, for a reason that is yet to be
 * found.
 *
 * @param hash of its key
 * @param key as the target's text
 */
record Suspect(Kind kind, long hash, RowKey key) {}
