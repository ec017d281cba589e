package io.tidemark.apply;

import io.tidemark.change.Change;

/**
 * A change and the offset of its record in the topic's partition.
 *
 * @param isSure whether the change tells if the target should have the row before it; not of a row
 *     that may have been outside the configuration's filter
 */
public record TopicChange(Change change, long offset, boolean isSure) {
  public TopicChange(Change change, long offset) {
    this(change, offset, true);
  }

  /** Another change in this one's place, of which it is not known if the target has the row. */
  TopicChange unsure(Change as) {
    return new TopicChange(as, offset, false);
  }
}
