package io.tidemark.run;

import io.tidemark.change.OperatingFailure;

/** Whether a configuration's target can go on from its positions. */
sealed interface Assessment {
  /** Not every database that is needed was asked yet. */
  record Unknown() implements Assessment {}

  /** The target does not answer. */
  record Unreachable(OperatingFailure failure) implements Assessment {}

  /**
   * There are no positions to go on from: a first copy makes them.
   *
   * @param beganNanos when the target was asked
   */
  record NeverInSync(long beganNanos) implements Assessment {}

  /** It can. */
  record Sound() implements Assessment {}

  /**
   * Something that the sync depends on was changed.
   *
   * @param reason a clause that names what was changed
   * @param remedy what to do
   * @param needsCopy whether only a copy of the table makes the target right again
   */
  record Broken(String reason, String remedy, boolean needsCopy) implements Assessment {
    /** Code of an execution that fails of it. */
    static final String CODE = "full_sync_needed";

    String sentence() {
      return reason + (needsCopy ? ", so changes may be missing; " : "; ") + remedy;
    }

    OperatingFailure failure() {
      return new OperatingFailure(
          OperatingFailure.Kind.USER,
          needsCopy ? CODE : "assumption_broken",
          reason + (needsCopy ? ", so changes may be missing" : ""),
          remedy,
          null);
    }
  }
}
