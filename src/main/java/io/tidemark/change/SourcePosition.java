package io.tidemark.change;

/**
 * Where a change stands in its source's history: a total order that is the same however often
 * PostgreSQL sends the change again.
 *
 * @param commitLsn the LSN of its transaction's commit record
 * @param ordinal the change's number among the captured changes of its transaction, from 1
 * @param part 0, or 1 for the second half of a key change, which is two events of one change
 */
public record SourcePosition(long commitLsn, long ordinal, int part)
    implements Comparable<SourcePosition> {
  /** Before every change. */
  public static final SourcePosition START = new SourcePosition(0, 0, 0);

  @Override
  public int compareTo(SourcePosition other) {
    int byCommit = Long.compareUnsigned(commitLsn, other.commitLsn);
    if (byCommit != 0) {
      return byCommit;
    }
    int byOrdinal = Long.compare(ordinal, other.ordinal);
    return byOrdinal != 0 ? byOrdinal : Integer.compare(part, other.part);
  }

  /** Reads what {@link #toString} writes. */
  public static SourcePosition parse(String text) {
    String[] parts = text.split("[/:+]", -1);
    if (parts.length != 3 && parts.length != 4) {
      throw new IllegalArgumentException("'" + text + "' is not a position");
    }
    return new SourcePosition(
        Long.parseLong(parts[0], 16) << 32 | Long.parseLong(parts[1], 16),
        Long.parseLong(parts[2]),
        parts.length == 4 ? Integer.parseInt(parts[3]) : 0);
  }

  /** Whether this stands after the other in the source's history. */
  public boolean isAfter(SourcePosition other) {
    return compareTo(other) > 0;
  }

  /** {@code 0/16B3748:3}, the LSN as PostgreSQL writes it, for people and logs. */
  @Override
  public String toString() {
    String lsn =
        Long.toHexString(commitLsn >>> 32) + "/" + Long.toHexString(commitLsn & 0xFFFFFFFFL);
    return lsn.toUpperCase(java.util.Locale.ROOT) + ":" + ordinal + (part == 0 ? "" : "+" + part);
  }
}
