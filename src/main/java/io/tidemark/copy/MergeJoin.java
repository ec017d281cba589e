package io.tidemark.copy;

import io.tidemark.change.RowKey;
import io.tidemark.postgres.SourceSnapshot;
import java.util.List;

/**
 * Where a merge meets the change stream of its configuration. There are three ways: no stream; a
 * stream that begins with this merge, whose first changes the merge applies itself; and a stream
 * whose apply loop runs beside the merge, which then leaves to it what it has dealt with.
 *
 * <p>Of {@link StreamJoin}, {@link #catchUpAhead} and {@link #catchUp} do to the stage what that
 * way asks for: apply the changes to it, or take the rows of their keys out of it.
 */
public interface MergeJoin extends StreamJoin {
  /** Takes keys, as the source's text, in the order of the key's columns. */
  interface ChangedKeys {
    void changed(List<RowKey> keys);

    /** Every row was removed. */
    void truncated();
  }

  /**
   * Called once the snapshot is taken. Returns when all that the snapshot sees is in the topic and,
   * if a loop runs beside the merge, in the target too.
   */
  void awaitSeen(SourceSnapshot snapshot);

  /**
   * Hands over the keys of the changes that {@link #catchUpAhead} will apply to the stage; none if
   * it applies none. Called after {@link #awaitSeen}.
   */
  void changesToApply(SourceSnapshot snapshot, ChangedKeys keys);

  /** Whether an empty target may be loaded as a full copy loads it. */
  boolean allowsLoad();

  /** No stream: the target is merged with what the snapshot saw. */
  static MergeJoin none() {
    return NoStream.INSTANCE;
  }
}
