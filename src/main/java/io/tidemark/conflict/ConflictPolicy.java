package io.tidemark.conflict;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * How one configuration's conflicts are told and decided.
 *
 * @param detection never {@link ConflictDetection#AUTO}
 * @param timestampColumn the target's name of the column that tells which row is newer; null where
 *     neither detection nor strategy asks for one
 * @param combinesColumns whether changes of different columns of one row are both kept
 */
public record ConflictPolicy(
    ConflictResolution strategy,
    ConflictDetection detection,
    @Nullable String timestampColumn,
    boolean combinesColumns) {
  public ConflictPolicy {
    if (detection == ConflictDetection.AUTO) {
      throw new IllegalArgumentException("how conflicts are told is settled before they are");
    }
    boolean needsTime =
        strategy == ConflictResolution.TIMESTAMP || detection == ConflictDetection.TIMESTAMP;
    if (needsTime && timestampColumn == null) {
      throw new IllegalArgumentException("rows are compared by a timestamp column");
    }
  }

  public Optional<String> timestamp() {
    return Optional.ofNullable(timestampColumn);
  }
}
