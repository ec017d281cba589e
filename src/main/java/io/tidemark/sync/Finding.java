package io.tidemark.sync;

/**
 * What pre-flight found in a database.
 *
 * @param field the configuration's field that it is about
 * @param code a stable word for programs, {@code snake_case}
 * @param message what is so, without a row's values or a secret
 * @param fix what to do about it
 */
public record Finding(Severity severity, String field, String code, String message, String fix) {
  /** Whether a configuration can work in spite of it. */
  public enum Severity {
    ERROR,
    WARNING
  }

  public static Finding error(String field, String code, String message, String fix) {
    return new Finding(Severity.ERROR, field, code, message, fix);
  }

  public static Finding warning(String field, String code, String message, String fix) {
    return new Finding(Severity.WARNING, field, code, message, fix);
  }

  public boolean isError() {
    return severity == Severity.ERROR;
  }

  /** Both sentences. */
  public String messageAndFix() {
    // A server's own message may end its sentence itself.
    return (message.endsWith(".") ? message : message + ".") + " " + fix;
  }
}
