package io.tidemark.change;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * A table's name as PostgreSQL's catalog spells it: neither part is quoted or folded.
 *
 * @param schema 1 to 63 bytes
 * @param table 1 to 63 bytes
 */
public record TableName(String schema, String table) implements Comparable<TableName> {
  private static final String DEFAULT_SCHEMA = "public";
  private static final Pattern PLAIN = Pattern.compile("[a-z_][a-z0-9_$]*");

  public TableName {
    if (schema.isEmpty() || table.isEmpty()) {
      throw new IllegalArgumentException("a table name has no empty part");
    }
    if (schema.indexOf('\0') >= 0 || table.indexOf('\0') >= 0) {
      throw new IllegalArgumentException("a table name has no NUL character");
    }
  }

  /**
   * Reads {@code table}, {@code schema.table}, or either part quoted as in SQL. Unquoted parts are
   * folded to lower case, as PostgreSQL does; no schema means {@code public}.
   *
   * @throws IllegalArgumentException with a sentence fit for the user
   */
  public static TableName parse(String text) {
    List<String> parts = split(text.strip());
    return switch (parts.size()) {
      case 1 -> new TableName(DEFAULT_SCHEMA, parts.get(0));
      case 2 -> new TableName(parts.get(0), parts.get(1));
      default ->
          throw new IllegalArgumentException("'" + text + "' has more parts than schema.table");
    };
  }

  private static List<String> split(String text) {
    List<String> parts = new ArrayList<>();
    int at = 0;
    while (true) {
      StringBuilder part = new StringBuilder();
      at = readPart(text, at, part);
      parts.add(part.toString());
      if (at == text.length()) {
        return parts;
      }
      if (text.charAt(at) != '.') {
        throw new IllegalArgumentException("'" + text + "': a dot is missing after a quoted name");
      }
      at++;
    }
  }

  /** Reads one part from {@code at} and answers where it ends: at a dot or at the end. */
  private static int readPart(String text, int at, StringBuilder part) {
    if (at < text.length() && text.charAt(at) == '"') {
      return readQuoted(text, at + 1, part);
    }
    int end = text.indexOf('.', at);
    end = end < 0 ? text.length() : end;
    String plain = text.substring(at, end);
    if (plain.isBlank() || plain.indexOf('"') >= 0 || !plain.equals(plain.strip())) {
      throw new IllegalArgumentException(
          "'" + text + "' is not a table name; write table, schema.table or \"Odd Name\"");
    }
    part.append(plain.toLowerCase(Locale.ROOT));
    return end;
  }

  private static int readQuoted(String text, int at, StringBuilder part) {
    while (at < text.length()) {
      char c = text.charAt(at++);
      if (c != '"') {
        part.append(c);
      } else if (at < text.length() && text.charAt(at) == '"') {
        part.append('"');
        at++;
      } else {
        return at;
      }
    }
    throw new IllegalArgumentException("'" + text + "': a quoted name does not end");
  }

  @Override
  public int compareTo(TableName other) {
    int bySchema = schema.compareTo(other.schema);
    return bySchema != 0 ? bySchema : table.compareTo(other.table);
  }

  /** The form that {@link #parse} reads back: {@code schema.table}, quoted where it must be. */
  @Override
  public String toString() {
    return quoteOdd(schema) + "." + quoteOdd(table);
  }

  private static String quoteOdd(String part) {
    return PLAIN.matcher(part).matches() ? part : '"' + part.replace("\"", "\"\"") + '"';
  }
}
