package io.tidemark.apply;

import java.time.Instant;

/** What an apply loop is doing. */
public sealed interface ApplyState {
  /** Since when. */
  Instant since();

  /** Not running: not yet started, or stopped. */
  record Stopped(Instant since) implements ApplyState {}

  /** Joining the group and opening the target, or waiting while others apply all there is. */
  record Starting(Instant since) implements ApplyState {}

  /** Changes flow. */
  record Running(Instant since) implements ApplyState {}

  /**
   * Something is in the way; it is tried again until it works.
   *
   * @param code the failure's stable word
   * @param reason what is in the way
   * @param remedy what a person can do, empty if nothing is needed
   * @param attempts failed so far
   */
  record Retrying(Instant since, String code, String reason, String remedy, int attempts)
      implements ApplyState {}
}
