package io.tidemark.apply;

import io.tidemark.change.RowKey;
import java.util.Collection;
import java.util.List;
import java.util.Set;

/** Where refused rows are set aside. */
public interface ParkedRows {
  /**
   * Keeps these rows. Called before the target's commit, and again with the same rows if that
   * commit did not come about: one topic, partition and offset is one row.
   */
  void park(List<ParkedRow> rows);

  /**
   * Of which of these keys a change is set aside.
   *
   * @param keyColumns as in {@link ParkedRow#keyColumns}
   */
  Set<RowKey> among(List<String> keyColumns, Collection<RowKey> keys);

  /** Knows nothing and keeps nothing: for tables that are not the user's, such as a stage. */
  static ParkedRows refusing() {
    return new ParkedRows() {
      @Override
      public void park(List<ParkedRow> rows) {
        throw new IllegalStateException(rows.size() + " rows were refused by a stage table");
      }

      @Override
      public Set<RowKey> among(List<String> keyColumns, Collection<RowKey> keys) {
        return Set.of();
      }
    };
  }
}
