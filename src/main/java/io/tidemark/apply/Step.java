package io.tidemark.apply;

import io.tidemark.change.RowKey;
import java.util.List;

/** A part of a batch that is written set-wise; steps are written in their order. */
sealed interface Step {
  /**
   * Rows to be put and rows to be gone: each key at most once over all three.
   *
   * @param upserts complete rows
   * @param patches rows of which some values were not sent; the target's own stay
   * @param deletes keys of rows to be gone
   */
  record Rows(List<TargetRow> upserts, List<TargetRow> patches, List<Deletion> deletes)
      implements Step {
    public Rows {
      upserts = List.copyOf(upserts);
      patches = List.copyOf(patches);
      deletes = List.copyOf(deletes);
    }
  }

  /** A row that is to be gone. */
  record Deletion(RowKey key, RecordRef from) {}

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
  record Move(RowKey oldKey, TargetRow row) {}

  /** The whole table is emptied. */
  record Truncate(RecordRef from) implements Step {}
}
