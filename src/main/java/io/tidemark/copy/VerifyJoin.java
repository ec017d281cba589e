package io.tidemark.copy;

import io.tidemark.copy.MergeJoin.ChangedKeys;
import io.tidemark.postgres.PgSession;
import io.tidemark.postgres.SourceSnapshot;
import java.util.Optional;

/**
 * Where a comparison meets the changes that are under way while it reads. For each look at the two
 * tables, it calls these in the order in which they stand here.
 */
public interface VerifyJoin {
  /** Called before the source's snapshot is taken. */
  void beforeSnapshot();

  /** Returns when the target has everything that the snapshot sees. */
  void awaitSeen(SourceSnapshot snapshot);

  /** Called first in the transaction whose snapshot of the target is compared. */
  void readsTarget(PgSession target);

  /**
   * Hands over the keys of the changes that one of the two snapshots has and the other has not, or
   * may have.
   */
  void underWay(SourceSnapshot snapshot, ChangedKeys keys);

  /**
   * Brings a stage of the source's rows to where the target stands; empty if that cannot be, since
   * changes come from both sides.
   */
  Optional<StreamJoin> settling();

  /** Returns when what both sides have committed by now has reached the other. */
  void awaitFlow();

  /** Nothing is under way: the target changes by executions, of which this is one. */
  static VerifyJoin none() {
    return new VerifyJoin() {
      @Override
      public void beforeSnapshot() {}

      @Override
      public void awaitSeen(SourceSnapshot snapshot) {}

      @Override
      public void readsTarget(PgSession target) {}

      @Override
      public void underWay(SourceSnapshot snapshot, ChangedKeys keys) {}

      @Override
      public Optional<StreamJoin> settling() {
        return Optional.empty();
      }

      @Override
      public void awaitFlow() {}
    };
  }
}
