package io.tidemark.apply;

import io.tidemark.change.RowKey;
import java.util.List;

/** A part of a batch that is written set-wise; steps are written in their order. */
sealed interface Step {
  /** Rows to be put and rows to be gone: each key at most once. */
  record Rows(List<RowEdit> edits) implements Step {
    public Rows {
      edits = List.copyOf(edits);
    }
  }

  /**
   * Rows that get another key. No key stands on both sides or twice on one, so that their order
   * does not matter.
   */
  record Moves(List<Move> moves) implements Step {
    public Moves {
      moves = List.copyOf(moves);
    }
  }

  /** One row's key change; absent values stay as the target has them. */
  record Move(RowKey oldKey, RowEdit edit) {
    TargetRow row() {
      return edit.put();
    }

    /** What it does to the row of the old key. */
    RowEdit ofOldKey() {
      return new RowEdit(
          oldKey,
          edit.put(),
          RowEdit.Expected.PRESENT,
          edit.base(),
          edit.first(),
          edit.last(),
          edit.committedMicros());
    }
  }

  /** The whole table is emptied. */
  record Truncate(RecordRef from, long committedMicros) implements Step {}
}
