package io.tidemark.run;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * How the capture of one source connection does.
 *
 * @param connection the connection's name
 * @param state a word: {@code running}, {@code starting}, {@code stopped}, {@code failed}
 * @param stateReason why, for a state that needs a reason
 * @param retainedWalBytes WAL that the source keeps for the slot; null if it cannot be asked now
 * @param lastEventAt when the last change was captured; null before the first
 */
public record CaptureStatus(
    String connection,
    String slot,
    String publication,
    String state,
    @Nullable String stateReason,
    @Nullable Long retainedWalBytes,
    @Nullable Instant lastEventAt) {}
