package io.tidemark.sync;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads a row filter as PostgreSQL's lexer would, far enough to tell that it stays inside the
 * parentheses it is put in: quotes, comments and parentheses end, and no semicolon starts another
 * statement. Whether it means anything is for the database to say.
 */
public final class RowFilterText {
  private static final Pattern DOLLAR_TAG = Pattern.compile("\\$([A-Za-z_][A-Za-z0-9_]*)?\\$");

  private final String text;
  private final StringBuilder forDriver = new StringBuilder();
  private int copied;
  private int at;
  private int depth;

  private RowFilterText(String text) {
    this.text = text;
  }

  /** What is wrong with it, or empty. */
  static Optional<String> problemOf(String filter) {
    return Optional.ofNullable(new RowFilterText(filter).scan());
  }

  /**
   * The filter for a statement with parameters, where the driver takes a question mark for one: an
   * operator's is doubled.
   *
   * @param filter one of which nothing is wrong
   */
  public static String withParameters(String filter) {
    RowFilterText scanned = new RowFilterText(filter);
    scanned.scan();
    return scanned.forDriver + filter.substring(scanned.copied);
  }

  private @org.jspecify.annotations.Nullable String scan() {
    while (at < text.length()) {
      char c = text.charAt(at);
      boolean ended = true;
      if (c == ';') {
        return "a row filter is one expression, without a semicolon";
      } else if (c == '(') {
        depth++;
        at++;
      } else if (c == ')') {
        depth--;
        at++;
      } else if (c == '\'') {
        ended = skipQuoted('\'', startsEscapeString());
      } else if (c == '"') {
        ended = skipQuoted('"', false);
      } else if (text.startsWith("--", at)) {
        skipLine();
      } else if (text.startsWith("/*", at)) {
        ended = skipComment();
      } else if (c == '$') {
        ended = skipDollar();
      } else if (c == '?') {
        at++;
        forDriver.append(text, copied, at).append('?');
        copied = at;
      } else {
        at++;
      }
      if (!ended) {
        return "a quote or a comment in the row filter does not end";
      }
      if (depth < 0) {
        return "the parentheses of the row filter do not match";
      }
    }
    return depth == 0 ? null : "the parentheses of the row filter do not match";
  }

  private boolean startsEscapeString() {
    return at > 0
        && (text.charAt(at - 1) == 'E' || text.charAt(at - 1) == 'e')
        && (at == 1 || !isNamePart(text.charAt(at - 2)));
  }

  private static boolean isNamePart(char c) {
    return Character.isLetterOrDigit(c) || c == '_' || c == '$';
  }

  /** Skips to behind the closing quote; a doubled one reads as two strings, which is as good. */
  private boolean skipQuoted(char quote, boolean escapes) {
    for (at++; at < text.length(); at++) {
      char c = text.charAt(at);
      if (c == '\\' && escapes) {
        at++;
      } else if (c == quote) {
        boolean doubled = at + 1 < text.length() && text.charAt(at + 1) == quote;
        if (!doubled) {
          at++;
          return true;
        }
        at++;
      }
    }
    return false;
  }

  private void skipLine() {
    while (at < text.length() && text.charAt(at) != '\n' && text.charAt(at) != '\r') {
      at++;
    }
  }

  /** Comments nest, as in PostgreSQL. */
  private boolean skipComment() {
    int open = 0;
    while (at < text.length()) {
      if (text.startsWith("/*", at)) {
        open++;
        at += 2;
      } else if (text.startsWith("*/", at)) {
        open--;
        at += 2;
        if (open == 0) {
          return true;
        }
      } else {
        at++;
      }
    }
    return false;
  }

  private boolean skipDollar() {
    boolean insideName = at > 0 && isNamePart(text.charAt(at - 1));
    Matcher tag = DOLLAR_TAG.matcher(text).region(at, text.length());
    if (insideName || !tag.lookingAt()) {
      at++;
      return true;
    }
    int end = text.indexOf(tag.group(), tag.end());
    at = end < 0 ? text.length() : end + tag.group().length();
    return end >= 0;
  }
}
