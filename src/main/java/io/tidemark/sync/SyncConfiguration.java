package io.tidemark.sync;

import io.tidemark.conflict.DetectionChoice;
import java.time.Instant;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * A definition that was accepted, and how it is doing.
 *
 * @param version from 1; counts changes of the definition, not of the state
 * @param paused by a person; survives restarts, unlike the state, which follows it
 * @param stateReason why, for a state that needs a reason
 * @param detection how conflicts are told, as the databases last allowed it; null before they were
 *     asked
 */
public record SyncConfiguration(
    UUID id,
    SyncDefinition definition,
    long version,
    Instant createdAt,
    Instant updatedAt,
    boolean paused,
    SyncState state,
    @Nullable String stateReason,
    @Nullable DetectionChoice detection) {
  public Optional<String> reason() {
    return Optional.ofNullable(stateReason);
  }

  public Optional<DetectionChoice> detectionChoice() {
    return Optional.ofNullable(detection);
  }

  /** Whether it does anything by itself. */
  public boolean isActive() {
    return definition.enabled() && !paused;
  }
}
