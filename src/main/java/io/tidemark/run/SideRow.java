package io.tidemark.run;

import io.tidemark.change.Row;
import io.tidemark.change.RowKey;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A row as one side has it now.
 *
 * @param key the row's, as this side prints it; without a row the one that was asked for
 * @param row null if there is none; in the target's column names, on both sides
 * @param inFilter whether the configuration's row filter takes it; null without row or filter
 * @param writtenAt when its last write was committed; null if the server does not know
 * @param writtenBy null if the server does not know
 * @param origin the replication origin that the last write carried; null for none
 */
public record SideRow(
    RowKey key,
    @Nullable Row row,
    @Nullable Boolean inFilter,
    @Nullable Instant writtenAt,
    @Nullable Writer writtenBy,
    @Nullable String origin) {
  /** Who wrote a row last. */
  public enum Writer {
    /** This configuration's stream, a decision or a merge: what they write carries its origin. */
    TIDEMARK,
    /** Whoever it was, before the target came in step or as it did: a full copy, as a rule. */
    BEFORE,
    /** A statement that rewrote the whole table, as a change of a column's type does. */
    REWRITE,
    OTHERS
  }
}
