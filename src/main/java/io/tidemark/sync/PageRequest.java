package io.tidemark.sync;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Which part of a list is asked for.
 *
 * @param limit 1 to {@value #LIMIT_MAX} items
 * @param cursor the last item of the page before; null for the first page
 */
public record PageRequest(int limit, @Nullable PageCursor cursor) {
  public static final int LIMIT_DEFAULT = 50;

  /** The contract's bound: an answer is held in memory. */
  public static final int LIMIT_MAX = 500;

  public PageRequest {
    if (limit < 1 || limit > LIMIT_MAX) {
      throw new IllegalArgumentException("a page has 1 to " + LIMIT_MAX + " items");
    }
  }

  public Optional<PageCursor> after() {
    return Optional.ofNullable(cursor);
  }
}
