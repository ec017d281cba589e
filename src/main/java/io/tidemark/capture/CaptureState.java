package io.tidemark.capture;

import java.time.Instant;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What a capture is doing, as this instance sees it.
 *
 * @param phase the state
 * @param reason why, a sentence; null when there is nothing to say
 * @param remedy what to do about it; null when nothing needs to be done
 * @param since when it came into this phase
 */
public record CaptureState(
    Phase phase, @Nullable String reason, @Nullable String remedy, Instant since) {

  /** The states of a capture. */
  public enum Phase {
    /** Another instance captures this source, or no table of it is tracked yet. */
    STANDBY,
    /** Taking over: fencing, reading the position, starting the engine. */
    STARTING,
    /** Changes flow. */
    RUNNING,
    /** Something failed; the next attempt comes by itself. */
    RETRYING,
    /** Going on would lose changes; a person has to act. The condition is looked at again. */
    FAILED,
    /** Ended on purpose. */
    STOPPED
  }

  boolean isSame(Phase otherPhase, @Nullable String otherReason) {
    return phase == otherPhase && Objects.equals(reason, otherReason);
  }
}
