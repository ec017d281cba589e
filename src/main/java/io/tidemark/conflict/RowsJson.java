package io.tidemark.conflict;

import com.fasterxml.jackson.core.io.JsonStringEncoder;
import io.tidemark.change.ChangeJson;
import io.tidemark.change.Row;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Rows as the store keeps them: JSON objects of column to value, in the form of the topics. The
 * store writes a number its own way ({@code 1e+20} comes back with all its digits), so rows are
 * compared as values of their columns' types and never by this text.
 */
public final class RowsJson {
  private RowsJson() {}

  /** A writer for many rows, for one thread. */
  static ChangeJson.Writer writer() {
    return new ChangeJson.Writer("", "");
  }

  static String text(ChangeJson.Writer writer, Row row) {
    return new String(writer.key(row), StandardCharsets.UTF_8);
  }

  /** A row as text; null stays null. */
  public static @Nullable String text(@Nullable Row row) {
    return row == null ? null : text(writer(), row);
  }

  /** Reads {@link #text(Row)} back, every value as PostgreSQL's text; null stays null. */
  public static @Nullable Row row(@Nullable String text) {
    if (text == null) {
      return null;
    }
    try {
      return new ChangeJson.Reader("").key(text.getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new IllegalStateException("a stored row is no JSON object of values", e);
    }
  }

  /** Names as a JSON array. */
  static String names(List<String> names) {
    return names.stream()
        .map(name -> '"' + new String(JsonStringEncoder.getInstance().quoteAsString(name)) + '"')
        .collect(Collectors.joining(", ", "[", "]"));
  }
}
