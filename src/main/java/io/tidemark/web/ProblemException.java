package io.tidemark.web;

import io.tidemark.sync.FieldError;
import io.tidemark.sync.Refusal;
import java.util.List;

/** Ends a request with a problem. */
final class ProblemException extends RuntimeException {
  private static final long serialVersionUID = 1L;
  private static final int TOO_LARGE = 413;
  private static final int UNSUPPORTED_MEDIA_TYPE = 415;

  private final transient Problem problem;

  ProblemException(Problem problem) {
    // An expected outcome: where it was thrown is of no interest to anybody.
    super(problem.detail(), null, false, false);
    this.problem = problem;
  }

  ProblemException(Refusal refusal) {
    this(
        Problem.of(
            "urn:tidemark:problem:" + kindOf(refusal),
            titleOf(refusal),
            statusOf(refusal),
            refusal.detail(),
            refusal.errors(),
            refusal.executionId()));
  }

  static ProblemException malformed(String detail) {
    return new ProblemException(Problem.of(400, "malformed", "The request is malformed", detail));
  }

  static ProblemException invalid(String field, String message) {
    return new ProblemException(Refusal.invalid(List.of(new FieldError(field, message))));
  }

  static ProblemException unknown(String detail) {
    return new ProblemException(Refusal.unknown(detail));
  }

  static ProblemException mediaType(String detail) {
    return new ProblemException(
        Problem.of(
            UNSUPPORTED_MEDIA_TYPE, "media_type", "The media type is not supported", detail));
  }

  static ProblemException tooLarge(int bytesMax) {
    return new ProblemException(
        Problem.of(
            TOO_LARGE,
            "too_large",
            "The request is too large",
            "the body has more than " + bytesMax + " bytes"));
  }

  Problem problem() {
    return problem;
  }

  private static String kindOf(Refusal refusal) {
    return switch (refusal.reason()) {
      case INVALID -> "invalid";
      case UNKNOWN -> "unknown";
      case STATE -> "state";
      case VERSION -> "version";
      case DATABASE -> "database";
    };
  }

  private static String titleOf(Refusal refusal) {
    return switch (refusal.reason()) {
      case INVALID -> "The request is invalid";
      case UNKNOWN -> "There is no such thing";
      case STATE -> "Not in the present state";
      case VERSION -> "It was changed meanwhile";
      case DATABASE -> "The databases say no";
    };
  }

  private static int statusOf(Refusal refusal) {
    return switch (refusal.reason()) {
      case INVALID -> 400;
      case UNKNOWN -> 404;
      case STATE -> 409;
      case VERSION -> 412;
      case DATABASE -> 422;
    };
  }
}
