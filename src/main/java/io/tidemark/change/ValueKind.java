package io.tidemark.change;

/** How a column's value is written in JSON. */
public enum ValueKind {
  /** PostgreSQL's own text form, as a JSON string. */
  TEXT,
  /** A JSON number if it is finite, else ({@code NaN}, {@code Infinity}) a JSON string. */
  NUMBER,
  /** JSON {@code true} or {@code false}. */
  BOOLEAN;

  private static final int BOOL = 16;
  private static final int INT8 = 20;
  private static final int INT2 = 21;
  private static final int INT4 = 23;
  private static final int FLOAT4 = 700;
  private static final int FLOAT8 = 701;

  /**
   * The kind of a column of the type with this oid in {@code pg_type}. Numeric is text: its scale
   * and size do not survive most JSON readers.
   */
  public static ValueKind ofTypeOid(int oid) {
    return switch (oid) {
      case BOOL -> BOOLEAN;
      case INT2, INT4, INT8, FLOAT4, FLOAT8 -> NUMBER;
      default -> TEXT;
    };
  }
}
