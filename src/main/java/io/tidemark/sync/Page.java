package io.tidemark.sync;

import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A part of a list.
 *
 * @param next where the next part starts; null if this is the last
 */
public record Page<T>(List<T> items, @Nullable PageCursor next) {
  public Page {
    items = List.copyOf(items);
  }

  /**
   * A page of up to {@code limit} items, from rows of which one more than that was asked for.
   *
   * @param cursorOf where a page that ends with this item goes on
   */
  public static <T> Page<T> of(List<T> rows, int limit, Function<T, PageCursor> cursorOf) {
    if (rows.size() <= limit) {
      return new Page<>(rows, null);
    }
    return new Page<>(rows.subList(0, limit), cursorOf.apply(rows.get(limit - 1)));
  }

  public Optional<String> nextText() {
    return Optional.ofNullable(next).map(PageCursor::text);
  }
}
