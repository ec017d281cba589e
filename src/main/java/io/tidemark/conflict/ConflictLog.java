package io.tidemark.conflict;

import io.tidemark.change.RowKey;
import java.util.List;
import java.util.Set;

/** Where one configuration's conflicts are on record. */
public interface ConflictLog {
  /**
   * Puts conflicts on record. Called before the target's commit, and again with the same conflicts
   * if that commit did not come about: one place and key is one conflict.
   *
   * @throws io.tidemark.change.OperatingFailure if the record cannot be written; nothing may be
   *     committed to the target then
   */
  void record(List<Detected> conflicts);

  /** The keys that wait for a person now, in the key's column order. */
  Set<RowKey> waiting();

  /**
   * The keys of the target's rows that hold a unique value of a row that waits for a person.
   *
   * @param keyColumns the key's columns, in the key's order
   */
  default Set<RowKey> heldBack(List<String> keyColumns) {
    return Set.of();
  }

  /**
   * Adds later changes to the conflicts of their keys, which wait for a person: each conflict's
   * source row becomes the change's.
   *
   * @param changes each key at most once
   * @return the keys that do not wait any more: their changes were not added and are to be applied
   */
  Set<RowKey> join(List<Later> changes);

  /** Knows no conflict and takes none: for tables that are not the user's, such as a stage. */
  static ConflictLog none() {
    return NoConflicts.INSTANCE;
  }
}
