package io.tidemark.change;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/** How a constant is written in JSON, SQL and the console: its name in lower case. */
public final class WireName {
  private WireName() {}

  public static String of(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT);
  }

  /** The constant written like this, exactly: case counts, as for every name on the wire. */
  public static <E extends Enum<E>> Optional<E> find(Class<E> type, String text) {
    return Arrays.stream(type.getEnumConstants())
        .filter(constant -> of(constant).equals(text))
        .findFirst();
  }

  /**
   * The constant that a table of ours holds.
   *
   * @throws IllegalStateException if there is none: the row was not written by this program
   */
  public static <E extends Enum<E>> E read(Class<E> type, String text) {
    return find(type, text)
        .orElseThrow(
            () -> new IllegalStateException("'" + text + "' is no " + type.getSimpleName()));
  }

  /** All of them, for a message: {@code full, incremental, merge}. */
  public static String listOf(Class<? extends Enum<?>> type) {
    return Arrays.stream(type.getEnumConstants())
        .map(WireName::of)
        .collect(Collectors.joining(", "));
  }
}
