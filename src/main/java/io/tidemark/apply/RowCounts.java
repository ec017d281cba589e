package io.tidemark.apply;

/**
 * What became of changes.
 *
 * @param unchanged changes to what the target had already
 * @param skipped changes that a conflict's verdict, or its waiting for one, kept from the target
 * @param parked rows set aside because the target refused them
 * @param conflictsDetected conflicts put on record
 * @param conflictsResolved those of them that the strategy decided
 */
public record RowCounts(
    long inserted,
    long updated,
    long deleted,
    long unchanged,
    long skipped,
    long parked,
    long conflictsDetected,
    long conflictsResolved) {
  public static final RowCounts NONE = written(0, 0, 0);

  /** Rows written, and nothing else. */
  public static RowCounts written(long inserted, long updated, long deleted) {
    return new RowCounts(inserted, updated, deleted, 0, 0, 0, 0, 0);
  }

  static RowCounts unchanged(long rows) {
    return new RowCounts(0, 0, 0, rows, 0, 0, 0, 0);
  }

  static RowCounts skipped(long changes) {
    return new RowCounts(0, 0, 0, 0, changes, 0, 0, 0);
  }

  static RowCounts parked(long rows) {
    return new RowCounts(0, 0, 0, 0, 0, rows, 0, 0);
  }

  static RowCounts conflicts(long detected, long resolved) {
    return new RowCounts(0, 0, 0, 0, 0, 0, detected, resolved);
  }

  public RowCounts plus(RowCounts other) {
    return new RowCounts(
        inserted + other.inserted,
        updated + other.updated,
        deleted + other.deleted,
        unchanged + other.unchanged,
        skipped + other.skipped,
        parked + other.parked,
        conflictsDetected + other.conflictsDetected,
        conflictsResolved + other.conflictsResolved);
  }

  /** What was added since an earlier count. */
  public RowCounts minus(RowCounts earlier) {
    return new RowCounts(
        inserted - earlier.inserted,
        updated - earlier.updated,
        deleted - earlier.deleted,
        unchanged - earlier.unchanged,
        skipped - earlier.skipped,
        parked - earlier.parked,
        conflictsDetected - earlier.conflictsDetected,
        conflictsResolved - earlier.conflictsResolved);
  }
}
