package io.tidemark.copy;

import io.tidemark.change.RowKey;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A line of COPY's text form that begins with numbers and ends with the columns of a key.
 *
 * <p>Millions of them are read, and the keys of few are looked at: they stay bytes until then.
 */
final class KeyLine {
  private final byte[] line;
  private int at;

  KeyLine(byte[] line) {
    this.line = line;
  }

  /** The next field, a number. */
  long number() {
    boolean negative = line[at] == '-';
    if (negative) {
      at++;
    }
    long value = 0;
    for (; line[at] != '\t' && line[at] != '\n'; at++) {
      // Below zero there is room for the smallest number.
      value = value * 10 - (line[at] - '0');
    }
    at++;
    return negative ? value : -value;
  }

  /** Where the fields that were not read begin. */
  int rest() {
    return at;
  }

  /** The fields from a place in bytes up to the line's end. */
  static RowKey key(byte[] bytes, int from, int end) {
    List<@Nullable String> values = new ArrayList<>();
    int start = from;
    for (int i = from; i < end; i++) {
      if (bytes[i] == '\t' || bytes[i] == '\n') {
        values.add(text(bytes, start, i));
        start = i + 1;
      }
    }
    return RowKey.of(values.toArray(String[]::new));
  }

  private static @Nullable String text(byte[] bytes, int from, int end) {
    if (end - from == 2 && bytes[from] == '\\' && bytes[from + 1] == 'N') {
      return null;
    }
    byte[] plain = new byte[end - from];
    int length = 0;
    for (int i = from; i < end; i++) {
      plain[length++] = bytes[i] == '\\' ? plain(bytes[++i]) : bytes[i];
    }
    return new String(plain, 0, length, StandardCharsets.UTF_8);
  }

  private static byte plain(byte escaped) {
    return switch (escaped) {
      case 'b' -> '\b';
      case 'f' -> '\f';
      case 'n' -> '\n';
      case 'r' -> '\r';
      case 't' -> '\t';
      case 'v' -> 0x0B;
      default -> escaped;
    };
  }
}
