package io.tidemark.sync;

import java.util.List;
import java.util.UUID;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Why a request was not carried out; nothing has changed.
 *
 * @param detail a sentence fit for the user, with the fix where there is one
 * @param errors the fields it is about, if any
 * @param executionId the execution that stands in the way, if one does
 */
public record Refusal(
    Reason reason, String detail, List<FieldError> errors, @Nullable UUID executionId) {
  /** What kind of no it is. */
  public enum Reason {
    /** The request contradicts itself or a bound. */
    INVALID,
    /** There is nothing of that id or name. */
    UNKNOWN,
    /** It cannot be done in the present state. */
    STATE,
    /** Somebody changed it since it was read. */
    VERSION,
    /** The databases say no, or it is not available yet. */
    DATABASE
  }

  public Refusal {
    errors = List.copyOf(errors);
  }

  public static Refusal invalid(List<FieldError> errors) {
    return new Refusal(Reason.INVALID, joined(errors), errors, null);
  }

  public static Refusal invalid(String field, String message) {
    return invalid(List.of(new FieldError(field, message)));
  }

  public static Refusal unknown(String what) {
    return new Refusal(Reason.UNKNOWN, what, List.of(), null);
  }

  public static Refusal state(String detail) {
    return new Refusal(Reason.STATE, detail, List.of(), null);
  }

  public static Refusal state(String field, String message) {
    return new Refusal(Reason.STATE, message, List.of(new FieldError(field, message)), null);
  }

  /** An execution stands in the way. */
  public static Refusal notEnded(String ofWhat, UUID executionId) {
    return new Refusal(
        Reason.STATE,
        "execution "
            + executionId
            + " of this "
            + ofWhat
            + " has not ended; wait for it or cancel it",
        List.of(),
        executionId);
  }

  public static Refusal version(long current) {
    return new Refusal(
        Reason.VERSION,
        "it was changed meanwhile and is at version " + current + "; read it again",
        List.of(),
        null);
  }

  public static Refusal database(String field, String messageAndFix) {
    return database(List.of(new FieldError(field, messageAndFix)));
  }

  public static Refusal database(List<FieldError> errors) {
    return new Refusal(Reason.DATABASE, joined(errors), errors, null);
  }

  /** A refusal for those of the findings that are errors, at least one. */
  public static Refusal ofFindings(List<Finding> findings) {
    return database(
        findings.stream()
            .filter(Finding::isError)
            .map(finding -> new FieldError(finding.field(), finding.messageAndFix()))
            .toList());
  }

  private static String joined(List<FieldError> errors) {
    return errors.stream().map(FieldError::message).distinct().collect(Collectors.joining(" | "));
  }
}
