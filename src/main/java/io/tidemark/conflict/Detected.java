package io.tidemark.conflict;

import io.tidemark.change.Row;
import io.tidemark.change.RowKey;
import io.tidemark.change.SourcePosition;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One conflict as it was found, with the verdict on it. Rows have the target's column names.
 *
 * @param key the key's columns
 * @param position of the last change that led to the source's row; null if a comparison found it
 * @param source the source's row; null if it is gone there. Columns that it did not send are absent
 * @param target the target's row, for {@link ConflictType#UNIQUE_VIOLATION} the other row that
 *     holds the value; null if there is none
 * @param base the row that the source's change started from, null if it is not known
 * @param differing columns in which the two rows differ
 */
public record Detected(
    ConflictType type,
    Row key,
    Place place,
    @Nullable SourcePosition position,
    @Nullable Row source,
    @Nullable Row target,
    @Nullable Row base,
    List<String> differing,
    Verdict verdict) {
  public Detected {
    differing = List.copyOf(differing);
  }

  /** The key's values alone. */
  public RowKey rowKey() {
    return keyOf(key);
  }

  /** The values of a row that has the key's columns alone. */
  public static RowKey keyOf(Row key) {
    @Nullable String[] values = new @Nullable String[key.shape().size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = key.value(i);
    }
    return RowKey.of(values);
  }
}
