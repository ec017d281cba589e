package io.tidemark.change;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Something that the program relies on does not work: the one root of such failures. Its kind says
 * whose it is, its message what happened (with table, key and position where they are known), its
 * hint what to do. Neither holds a row's values or a secret.
 */
public final class OperatingFailure extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** Whose failure it is. */
  public enum Kind {
    /** The request or the configuration asks for what cannot be. */
    USER,
    /** The source database. */
    SOURCE,
    /** The target database. */
    TARGET,
    /** The metadata database. */
    STORE,
    /** Kafka. */
    BROKER,
    /** A bound was reached: memory, disk, time. */
    CAPACITY
  }

  private final Kind kind;
  private final String code;
  private final @Nullable String hint;

  /**
   * @param code a stable word for programs, {@code snake_case}
   */
  public OperatingFailure(
      Kind kind, String code, String message, @Nullable String hint, @Nullable Throwable cause) {
    super(message, cause);
    this.kind = kind;
    this.code = code;
    this.hint = hint;
  }

  public Kind kind() {
    return kind;
  }

  public String code() {
    return code;
  }

  public Optional<String> hint() {
    return Optional.ofNullable(hint);
  }
}
