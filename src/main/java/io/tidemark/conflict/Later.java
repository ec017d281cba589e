package io.tidemark.conflict;

import io.tidemark.change.Row;
import io.tidemark.change.RowKey;
import io.tidemark.change.SourcePosition;
import org.jspecify.annotations.Nullable;

/**
 * A later change of a row whose conflict waits for a person.
 *
 * @param source the row as the source has it now, in the target's column names; null if it is gone.
 *     Columns that the source did not send are absent: the conflict keeps what it knew of them
 */
public record Later(RowKey key, @Nullable Row source, SourcePosition position) {}
