package io.tidemark.web;

import io.tidemark.sync.Page;
import java.util.List;
import java.util.function.Function;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.jspecify.annotations.Nullable;

/** A part of a list, as it is answered. */
record PageView<T>(
    List<T> items,
    @Schema(description = "The cursor of the next page; null on the last", nullable = true)
        @Nullable String next) {
  PageView {
    items = List.copyOf(items);
  }

  static <S, T> PageView<T> of(Page<S> page, Function<S, T> view) {
    return new PageView<>(page.items().stream().map(view).toList(), page.nextText().orElse(null));
  }

  /** A list that is one page. */
  static <S, T> PageView<T> of(List<S> items, Function<S, T> view) {
    return new PageView<>(items.stream().map(view).toList(), null);
  }
}
