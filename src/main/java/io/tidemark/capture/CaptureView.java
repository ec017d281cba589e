package io.tidemark.capture;

import java.time.Instant;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * One source connection's capture, for people and metrics.
 *
 * @param slot also the publication's name
 * @param state as this instance sees it
 * @param retainedWalBytes WAL that the source keeps for the slot; empty if it cannot be asked
 * @param confirmedLsn the slot's confirmed position as PostgreSQL writes it, null if there is none
 * @param lastCommitAt when the newest change or heartbeat in the topics was committed at the source
 * @param changesWritten by this instance since it started
 * @param lagSeconds age of the newest commit in the topics; an idle source's is about the
 *     heartbeat's interval
 * @param lagBytes WAL between that commit and the source's newest
 */
public record CaptureView(
    String connection,
    String slot,
    String publication,
    CaptureState state,
    OptionalLong retainedWalBytes,
    @Nullable String confirmedLsn,
    @Nullable Instant lastCommitAt,
    long changesWritten,
    OptionalDouble lagSeconds,
    OptionalLong lagBytes) {}
