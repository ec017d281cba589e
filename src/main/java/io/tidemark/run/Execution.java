package io.tidemark.run;

import io.tidemark.postgres.Lsn;
import java.time.Instant;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * One run of one configuration.
 *
 * @param parentId the orchestration's execution that asked for it, null if none did
 * @param createdAt when it was asked for
 * @param startedAt null while pending
 * @param finishedAt null until it has ended
 * @param sourceLsnStart the source's position when it started, null until known
 * @param sourceLsnEnd the source's position that the target then has, null until known
 * @param progress null before it reports any
 * @param error null unless failed
 * @param cancelRequested whether a person asked to end it early
 * @param repair whether a verification is to repair what it finds
 * @param verification what a verification has found; null before its end, and for other modes
 */
public record Execution(
    UUID id,
    UUID configurationId,
    @Nullable UUID parentId,
    ExecutionMode mode,
    ExecutionTrigger trigger,
    ExecutionStatus status,
    Instant createdAt,
    @Nullable Instant startedAt,
    @Nullable Instant finishedAt,
    ExecutionCounts counts,
    @Nullable Long sourceLsnStart,
    @Nullable Long sourceLsnEnd,
    @Nullable ExecutionProgress progress,
    @Nullable ExecutionError error,
    boolean cancelRequested,
    boolean repair,
    @Nullable VerificationResult verification) {
  /** An execution that was just asked for. */
  public static Execution pending(
      UUID id,
      UUID configurationId,
      ExecutionMode mode,
      ExecutionTrigger trigger,
      Instant createdAt) {
    return new Execution(
        id,
        configurationId,
        null,
        mode,
        trigger,
        ExecutionStatus.PENDING,
        createdAt,
        null,
        null,
        ExecutionCounts.NONE,
        null,
        null,
        null,
        null,
        false,
        false,
        null);
  }

  /** This one, as the child of an orchestration's execution. */
  Execution childOf(@Nullable UUID parent) {
    return with(parent, repair);
  }

  /** This one, a verification, with the wish to repair what it finds. */
  Execution repairing() {
    return with(parentId, true);
  }

  private Execution with(@Nullable UUID parent, boolean repairs) {
    return new Execution(
        id,
        configurationId,
        parent,
        mode,
        trigger,
        status,
        createdAt,
        startedAt,
        finishedAt,
        counts,
        sourceLsnStart,
        sourceLsnEnd,
        progress,
        error,
        cancelRequested,
        repairs,
        verification);
  }

  /** As PostgreSQL writes it, null until known. */
  public @Nullable String sourceLsnStartText() {
    return sourceLsnStart == null ? null : Lsn.text(sourceLsnStart);
  }

  /** As PostgreSQL writes it, null until known. */
  public @Nullable String sourceLsnEndText() {
    return sourceLsnEnd == null ? null : Lsn.text(sourceLsnEnd);
  }

  public Optional<ExecutionError> failure() {
    return Optional.ofNullable(error);
  }
}
