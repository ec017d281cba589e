package io.tidemark.sync;

import java.time.Instant;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * A change that was asked for and carried out, or begun.
 *
 * @param actor who asked: a token's role, a JWT's subject, {@code api} without either, or {@code
 *     sync-file}
 * @param action the operation's id in the API's description
 * @param subject what it was about: a path below the API's root
 * @param document what was asked, as it was sent; null if there was nothing, or it may hold a
 *     secret
 */
public record AuditEntry(
    UUID id, Instant at, String actor, String action, String subject, @Nullable String document) {}
