package io.tidemark.conflict;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * How a configuration tells that somebody else wrote a target row, and why so.
 *
 * @param mode never {@link ConflictDetection#AUTO}
 * @param reason a sentence: what the two databases allow, or that the user chose it
 * @param stronger what would make a stronger mode possible; null if this is the strongest
 */
public record DetectionChoice(ConflictDetection mode, String reason, @Nullable String stronger) {
  public DetectionChoice {
    if (mode == ConflictDetection.AUTO) {
      throw new IllegalArgumentException("a choice is never auto");
    }
  }

  public Optional<String> strongerBy() {
    return Optional.ofNullable(stronger);
  }
}
