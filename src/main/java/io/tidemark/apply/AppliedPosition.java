package io.tidemark.apply;

import io.tidemark.change.SourcePosition;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * How far a target has taken in one partition of a change topic. Lives in the target database and
 * moves in the transaction that writes the rows.
 *
 * @param nextOffset the offset of the first record not yet applied
 * @param source the position of the last change applied
 * @param committedMicros when the newest of the applied changes was committed at the source,
 *     microseconds since 1970 UTC; 0 before the first
 * @param topicId Kafka's identity of the topic; null if it was not noted yet
 * @param turn the transaction in which somebody other than an apply loop has set it: what a loop
 *     knew of the target before that holds no more
 */
public record AppliedPosition(
    String topic,
    int partition,
    long nextOffset,
    SourcePosition source,
    long committedMicros,
    @Nullable UUID topicId,
    long turn) {
  /** A position that is not read from a target. */
  public AppliedPosition(
      String topic,
      int partition,
      long nextOffset,
      SourcePosition source,
      long committedMicros,
      @Nullable UUID topicId) {
    this(topic, partition, nextOffset, source, committedMicros, topicId, 0);
  }

  /** A position in a topic of which only the name is known. */
  AppliedPosition(
      String topic, int partition, long nextOffset, SourcePosition source, long committedMicros) {
    this(topic, partition, nextOffset, source, committedMicros, null);
  }

  /** Whether it is one in this topic, as far as that is known. */
  public boolean isIn(UUID topic) {
    return topicId == null || topicId.equals(topic);
  }

  /** This position moved on behind a change. */
  AppliedPosition after(TopicChange last) {
    return new AppliedPosition(
        topic,
        partition,
        last.offset() + 1,
        last.change().position(),
        Math.max(committedMicros, last.change().source().committedMicros()),
        topicId,
        turn);
  }

  /** This position at a time of its source up to which everything is known to the target. */
  public AppliedPosition seen(long micros) {
    return new AppliedPosition(topic, partition, nextOffset, source, micros, topicId, turn);
  }

  /** This position moved on to an offset, with no change between. */
  public AppliedPosition at(long offset) {
    return new AppliedPosition(topic, partition, offset, source, committedMicros, topicId, turn);
  }
}
