package io.tidemark.apply;

/** Rows written, and rows set aside because the target refused them. */
public record RowCounts(long inserted, long updated, long deleted, long parked) {
  public static final RowCounts NONE = new RowCounts(0, 0, 0, 0);

  public RowCounts plus(RowCounts other) {
    return new RowCounts(
        inserted + other.inserted,
        updated + other.updated,
        deleted + other.deleted,
        parked + other.parked);
  }
}
