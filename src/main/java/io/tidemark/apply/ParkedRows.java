package io.tidemark.apply;

import java.util.List;

/** Where refused rows are set aside. */
public interface ParkedRows {
  /**
   * Keeps these rows. Called before the target's commit, and again with the same rows if that
   * commit did not come about: one topic, partition and offset is one row.
   */
  void park(List<ParkedRow> rows);

  /** Knows nothing and keeps nothing: for tables that are not the user's, such as a stage. */
  static ParkedRows refusing() {
    return rows -> {
      throw new IllegalStateException(rows.size() + " rows were refused by a stage table");
    };
  }
}
