package io.tidemark.postgres;

import io.tidemark.change.TableName;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The one place where a name or a text becomes part of a statement. */
public final class Sql {
  private Sql() {}

  /** An identifier, always quoted. */
  public static String name(String identifier) {
    if (identifier.indexOf('\0') >= 0) {
      throw new IllegalArgumentException("an identifier has no NUL character");
    }
    return '"' + identifier.replace("\"", "\"\"") + '"';
  }

  /** A table's name, both parts quoted. */
  public static String name(TableName table) {
    return name(table.schema()) + '.' + name(table.table());
  }

  /** Identifiers, each quoted, with commas between. */
  public static String names(List<String> identifiers) {
    return identifiers.stream().map(Sql::name).collect(Collectors.joining(", "));
  }

  /** Texts and nulls as the text of an array, for a parameter that is cast to {@code text[]}. */
  public static String textArray(List<@Nullable String> texts) {
    return texts.stream()
        .map(text -> text == null ? "NULL" : quotedElement(text))
        .collect(Collectors.joining(",", "{", "}"));
  }

  private static String quotedElement(String text) {
    return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
  }

  /** A text literal, for the few statements that take no parameters (utility commands). */
  public static String literal(String text) {
    if (text.indexOf('\0') >= 0) {
      throw new IllegalArgumentException("a literal has no NUL character");
    }
    String quoted = "'" + text.replace("'", "''") + "'";
    return text.indexOf('\\') >= 0 ? "E" + quoted.replace("\\", "\\\\") : quoted;
  }
}
