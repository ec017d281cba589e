package io.tidemark.web;

import org.jspecify.annotations.Nullable;

/** The header {@code If-Match}, whose tags are versions here. */
final class IfMatch {
  private IfMatch() {}

  /** The version that it asks for; null for any, and -1, which none has, for what is none. */
  static @Nullable Long version(@Nullable String ifMatch) {
    if (ifMatch == null || ifMatch.strip().equals("*")) {
      return null;
    }
    String tag = ifMatch.strip();
    return tag.matches("\"[0-9]{1,18}\"")
        ? Long.valueOf(tag.substring(1, tag.length() - 1))
        : Long.valueOf(-1);
  }
}
