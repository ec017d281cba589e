package io.tidemark.run;

import io.tidemark.change.OperatingFailure;
import org.jspecify.annotations.Nullable;

/**
 * Why an execution failed.
 *
 * @param code a stable word for programs, {@code snake_case}
 * @param message without a row's values or a secret
 * @param hint what to do about it, if that is known
 */
public record ExecutionError(String code, String message, @Nullable String hint) {
  /** The process ended before the execution did. */
  public static final ExecutionError INTERRUPTED =
      new ExecutionError(
          "interrupted",
          "its process ended before it did; nothing of it was committed",
          "execute it again");

  /** Rows did not fit into the process's memory. */
  public static final ExecutionError OUT_OF_MEMORY =
      new ExecutionError(
          "out_of_memory",
          "its rows do not fit into this process's memory of %d MB"
              .formatted(Runtime.getRuntime().maxMemory() >> 20),
          "start the process with more (java -Xmx…): a row takes up to ten times its own size; then"
              + " execute it again");

  public boolean isInterruption() {
    return code.equals(INTERRUPTED.code);
  }

  public static ExecutionError of(OperatingFailure failure) {
    return new ExecutionError(
        failure.code(), String.valueOf(failure.getMessage()), failure.hint().orElse(null));
  }
}
