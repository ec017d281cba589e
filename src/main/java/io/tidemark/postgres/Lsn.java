package io.tidemark.postgres;

/** Log sequence numbers: unsigned 64-bit in Java, {@code 16/B374D848} in PostgreSQL's text. */
public final class Lsn {
  private Lsn() {}

  /** PostgreSQL's text of an LSN. */
  public static String text(long lsn) {
    return String.format("%X/%X", lsn >>> 32, lsn & 0xFFFFFFFFL);
  }

  /**
   * Reads PostgreSQL's text.
   *
   * @throws IllegalArgumentException if it is none
   */
  public static long parse(String text) {
    int slash = text.indexOf('/');
    if (slash < 1) {
      throw new IllegalArgumentException("'" + text + "' is not an LSN");
    }
    long high = Long.parseUnsignedLong(text.substring(0, slash), 16);
    long low = Long.parseUnsignedLong(text.substring(slash + 1), 16);
    return high << 32 | low;
  }
}
