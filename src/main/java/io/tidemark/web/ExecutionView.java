package io.tidemark.web;

import com.fasterxml.jackson.databind.PropertyNamingStrategies.SnakeCaseStrategy;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import io.tidemark.change.WireName;
import io.tidemark.run.Execution;
import io.tidemark.run.ExecutionCounts;
import io.tidemark.run.ExecutionError;
import io.tidemark.run.ExecutionProgress;
import io.tidemark.run.VerificationResult;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.jspecify.annotations.Nullable;

/** An execution, as it is answered. */
@JsonNaming(SnakeCaseStrategy.class)
@Schema(name = "Execution", description = "One run of one configuration")
record ExecutionView(
    UUID id,
    UUID configurationId,
    @Schema(nullable = true, description = "The orchestration's execution that asked for it")
        @Nullable UUID parentId,
    @Schema(enumeration = {"full", "incremental", "merge", "verify"}) String mode,
    @Schema(enumeration = {"manual", "schedule", "stream", "initial", "orchestration"})
        String trigger,
    @Schema(enumeration = {"pending", "running", "completed", "failed", "cancelled"}) String status,
    @Schema(description = "When it was asked for") Instant createdAt,
    @Schema(nullable = true, implementation = String.class, format = "date-time")
        @Nullable Instant startedAt,
    @Schema(nullable = true, implementation = String.class, format = "date-time")
        @Nullable Instant finishedAt,
    long rowsRead,
    long rowsInserted,
    long rowsUpdated,
    long rowsDeleted,
    long rowsUnchanged,
    long rowsSkipped,
    long conflictsDetected,
    long conflictsResolved,
    long batches,
    long bytes,
    @Schema(description = "As PostgreSQL writes it: 16/B374D848", nullable = true)
        @Nullable String sourceLsnStart,
    @Schema(nullable = true) @Nullable String sourceLsnEnd,
    @Schema(nullable = true) @Nullable Progress progress,
    @Schema(nullable = true) @Nullable Failure error,
    @Schema(description = "What a verification has found", nullable = true)
        @Nullable Verified verification) {
  @JsonNaming(SnakeCaseStrategy.class)
  @Schema(name = "ExecutionProgress")
  record Progress(
      String phase,
      @Schema(nullable = true) @Nullable Double percent,
      @Schema(nullable = true) @Nullable Double rowsPerSecond,
      @Schema(nullable = true) @Nullable Long etaSeconds) {
    static @Nullable Progress of(@Nullable ExecutionProgress progress) {
      return progress == null
          ? null
          : new Progress(
              progress.phase(),
              progress.percent(),
              progress.rowsPerSecond(),
              progress.etaSeconds());
    }
  }

  @Schema(name = "ExecutionError")
  record Failure(
      @Schema(description = "A stable word") String code,
      String message,
      @Schema(description = "What to do about it", nullable = true) @Nullable String hint) {
    static @Nullable Failure of(@Nullable ExecutionError error) {
      return error == null ? null : new Failure(error.code(), error.message(), error.hint());
    }
  }

  @JsonNaming(SnakeCaseStrategy.class)
  @Schema(name = "Verification")
  record Verified(
      @Schema(
              description =
                  "Whether no row differs but those that wait for a decision, and, where the"
                      + " configuration keeps rows that only the target has, those")
          boolean equal,
      @Schema(description = "Rows of the source") long rowsCompared,
      @Schema(description = "Rows that only the source has") long missing,
      @Schema(description = "Rows that only the target has") long extra,
      @Schema(description = "Rows that both have, with other values") long different,
      @Schema(description = "Rows that differ and wait for a decision; not among the others")
          long undecided,
      @Schema(
              description =
                  "Rows that changed on both sides each time they were looked at; only where"
                      + " changes flow both ways")
          long unsettled,
      @Schema(description = "What the source had committed before this moment was compared")
          Instant verifiedUpTo,
      @Schema(description = "Some of the rows that differ") List<Sample> samples,
      @Schema(description = "What was found before it was repaired", nullable = true)
          @Nullable Repaired repaired) {
    @JsonNaming(SnakeCaseStrategy.class)
    @Schema(name = "VerificationSample")
    record Sample(
        @Schema(enumeration = {"missing", "extra", "different"}) String kind,
        @Schema(description = "The target's key columns and their values, as text")
            Map<String, @Nullable String> key,
        @Schema(description = "The target's columns that differ, where both sides have the row")
            List<String> columns) {}

    @JsonNaming(SnakeCaseStrategy.class)
    @Schema(name = "VerificationRepaired")
    record Repaired(
        @Schema(enumeration = {"full", "merge"}) String mode,
        long missing,
        long extra,
        long different) {}

    static @Nullable Verified of(@Nullable VerificationResult result) {
      if (result == null) {
        return null;
      }
      VerificationResult.Repaired repaired = result.repaired();
      return new Verified(
          result.equal(),
          result.rowsCompared(),
          result.missing(),
          result.extra(),
          result.different(),
          result.undecided(),
          result.unsettled(),
          result.verifiedUpTo(),
          result.samples().stream()
              .map(one -> new Sample(one.kind(), one.key(), one.columns()))
              .toList(),
          repaired == null
              ? null
              : new Repaired(
                  repaired.mode(), repaired.missing(), repaired.extra(), repaired.different()));
    }
  }

  static ExecutionView of(Execution execution) {
    ExecutionCounts counts = execution.counts();
    return new ExecutionView(
        execution.id(),
        execution.configurationId(),
        execution.parentId(),
        WireName.of(execution.mode()),
        WireName.of(execution.trigger()),
        WireName.of(execution.status()),
        execution.createdAt(),
        execution.startedAt(),
        execution.finishedAt(),
        counts.rowsRead(),
        counts.rowsInserted(),
        counts.rowsUpdated(),
        counts.rowsDeleted(),
        counts.rowsUnchanged(),
        counts.rowsSkipped(),
        counts.conflictsDetected(),
        counts.conflictsResolved(),
        counts.batches(),
        counts.bytes(),
        execution.sourceLsnStartText(),
        execution.sourceLsnEndText(),
        Progress.of(execution.progress()),
        Failure.of(execution.error()),
        Verified.of(execution.verification()));
  }
}
