package io.tidemark.apply;

import io.tidemark.apply.TwoWayChanges.Touched;
import io.tidemark.change.RowKey;
import io.tidemark.change.SourcePosition;

/**
 * A batch of both sides' changes and what it moves.
 *
 * @param sourceWhole whether the source's transaction in which its position stood before the batch
 *     has come to its end by the end of the batch; a batch may begin and end amid transactions
 * @param targetWhole likewise of the target's
 */
record TwoWayWork(
    TwoWayChanges source,
    TwoWayChanges target,
    boolean sourceWhole,
    boolean targetWhole,
    AppliedPosition sourceFrom,
    AppliedPosition sourceTo,
    AppliedPosition targetFrom,
    AppliedPosition targetTo) {
  /** The source's change of a row, else the target's. */
  Touched touch(RowKey key) {
    Touched there = source.touched().get(key);
    return there == null ? target.touched().get(key) : there;
  }

  /** The topic of that change. */
  String topicOf(RowKey key) {
    return isOfSource(key) ? sourceTo.topic() : targetTo.topic();
  }

  /** The place of a row's last change in the source's log; the start if only the target has any. */
  SourcePosition positionOf(RowKey key) {
    return isOfSource(key) ? touch(key).last() : SourcePosition.START;
  }

  private boolean isOfSource(RowKey key) {
    return source.touched().containsKey(key);
  }
}
