package io.tidemark.apply;

import io.tidemark.change.Row;
import io.tidemark.change.RowKey;
import io.tidemark.change.RowShape;
import org.jspecify.annotations.Nullable;

/**
 * What the changes of one key in a run come to: the row to be there, or none, and what the first of
 * them says the target should hold before.
 *
 * @param row the last state; null if the row is to be gone
 * @param expected whether a row of this key should be there before
 * @param base the row before the first change, one value per mapped column; null if the source did
 *     not send all of it
 * @param first the first change's record: the same however a batch is cut that begins before it
 * @param last the last change's record
 * @param committedMicros when the last change was committed, microseconds since 1970 UTC
 */
record RowEdit(
    RowKey key,
    @Nullable TargetRow row,
    Expected expected,
    @Nullable String @Nullable [] base,
    RecordRef first,
    RecordRef last,
    long committedMicros) {
  /** What the source's first change tells of the target's row before it. */
  enum Expected {
    ABSENT,
    PRESENT,
    /** It tells nothing: the row may have been outside the filter. */
    UNKNOWN
  }

  /** This edit with a later change of the same key. */
  RowEdit then(RowEdit later) {
    TargetRow next = later.row;
    TargetRow merged = next == null || row == null ? next : next.completedBy(row);
    return new RowEdit(key, merged, expected, base, first, later.last, later.committedMicros);
  }

  /** This edit with all of a row, as {@link NewestRows} has it, for a target that lacks it. */
  RowEdit putting(Row whole, RowShape shape) {
    @Nullable String[] values = new @Nullable String[shape.size()];
    for (int i = 0; i < values.length; i++) {
      int place = whole.shape().indexOf(shape.column(i));
      values[i] = place < 0 ? Row.ABSENT : whole.value(place);
    }
    return new RowEdit(
        key, new TargetRow(key, values), Expected.ABSENT, base, first, last, committedMicros);
  }

  /** This edit of a row of which something else is known to be there before it. */
  RowEdit expecting(Expected now) {
    return isDeletion() || expected == now ? this : with(put(), now);
  }

  /** This edit putting another row. */
  RowEdit with(TargetRow other, Expected now) {
    return new RowEdit(key, other, now, base, first, last, committedMicros);
  }

  /** The removal of a row in consequence of this edit. */
  RowEdit removing(RowKey gone) {
    return new RowEdit(gone, null, Expected.PRESENT, null, first, last, committedMicros);
  }

  boolean isDeletion() {
    return row == null;
  }

  /** The row to be there. */
  TargetRow put() {
    if (row == null) {
      throw new IllegalStateException("a deletion puts no row");
    }
    return row;
  }
}
