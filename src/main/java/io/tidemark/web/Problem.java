package io.tidemark.web;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonRawValue;
import com.fasterxml.jackson.databind.PropertyNamingStrategies.SnakeCaseStrategy;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import io.tidemark.conflict.Conflict;
import io.tidemark.sync.FieldError;
import java.util.List;
import java.util.UUID;
import org.eclipse.microprofile.openapi.annotations.enums.SchemaType;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.jspecify.annotations.Nullable;

/** The body of every error (RFC 9457). */
@JsonNaming(SnakeCaseStrategy.class)
@JsonInclude(JsonInclude.Include.NON_EMPTY)
@Schema(name = "Problem", description = "Why a request was not carried out (RFC 9457)")
record Problem(
    @Schema(description = "What kind of problem", examples = "urn:tidemark:problem:database")
        String type,
    @Schema(description = "The kind in words", examples = "The databases say no") String title,
    @Schema(description = "The HTTP status", examples = "422") int status,
    @Schema(description = "What is wrong and what to do about it") String detail,
    @Schema(description = "The fields it is about") List<FieldError> errors,
    @Schema(description = "The execution that stands in the way") @Nullable UUID executionId,
    @Schema(
            type = SchemaType.OBJECT,
            nullable = true,
            description = "Of a conflict whose target row has changed: the source's row")
        @JsonRawValue
        @Nullable String sourceRow,
    @Schema(
            type = SchemaType.OBJECT,
            nullable = true,
            description = "Of a conflict whose target row has changed: the row as it is now")
        @JsonRawValue
        @Nullable String targetRow) {
  Problem {
    errors = List.copyOf(errors);
  }

  static Problem of(int status, String kind, String title, String detail) {
    return of("urn:tidemark:problem:" + kind, title, status, detail, List.of(), null);
  }

  static Problem of(
      String type,
      String title,
      int status,
      String detail,
      List<FieldError> errors,
      @Nullable UUID executionId) {
    return new Problem(type, title, status, detail, errors, executionId, null, null);
  }

  /** Nothing was decided: the target's row is another one than the conflict had. */
  static Problem rowChanged(Conflict fresh) {
    return new Problem(
        "urn:tidemark:problem:row_changed",
        "It was changed meanwhile",
        409,
        "the target's row has changed since the conflict was recorded, and nothing was written;"
            + " the conflict has the row as it is now: look at it, and resolve again",
        List.of(),
        null,
        String.valueOf(fresh.sourceRow()),
        String.valueOf(fresh.targetRow()));
  }
}
