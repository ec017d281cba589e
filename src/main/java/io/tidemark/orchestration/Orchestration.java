package io.tidemark.orchestration;

import java.time.Instant;
import java.util.UUID;

/**
 * A definition that was accepted.
 *
 * @param version from 1; counts its changes
 */
public record Orchestration(
    UUID id,
    OrchestrationDefinition definition,
    long version,
    Instant createdAt,
    Instant updatedAt) {}
