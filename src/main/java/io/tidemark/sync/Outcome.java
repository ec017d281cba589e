package io.tidemark.sync;

import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What came of a request: a value, or the refusal that says why there is none. A refusal is an
 * expected outcome, so it is a value and not an exception.
 */
public final class Outcome<T> {
  private final @Nullable T value;
  private final @Nullable Refusal refusal;

  private Outcome(@Nullable T value, @Nullable Refusal refusal) {
    this.value = value;
    this.refusal = refusal;
  }

  public static <T> Outcome<T> of(T value) {
    return new Outcome<>(value, null);
  }

  public static <T> Outcome<T> refused(Refusal refusal) {
    return new Outcome<>(null, refusal);
  }

  /** The value, or a refusal as {@link Refusal.Reason#UNKNOWN} of this text. */
  public static <T> Outcome<T> ofKnown(Optional<T> value, String unknown) {
    return value.map(Outcome::of).orElseGet(() -> refused(Refusal.unknown(unknown)));
  }

  public Optional<Refusal> refusal() {
    return Optional.ofNullable(refusal);
  }

  /** What comes of the next step, if this one was not refused. */
  public <U> Outcome<U> then(Function<T, Outcome<U>> next) {
    return value == null ? new Outcome<>(null, refusal) : next.apply(value);
  }

  public <U> Outcome<U> map(Function<T, U> mapping) {
    return then(given -> of(mapping.apply(given)));
  }

  /** The value, or what the refusal stands for. */
  public T orElseGet(Function<Refusal, T> otherwise) {
    return value == null ? otherwise.apply(java.util.Objects.requireNonNull(refusal)) : value;
  }

  public <X extends RuntimeException> T orElseThrow(Function<Refusal, X> exception) {
    if (value == null) {
      throw exception.apply(java.util.Objects.requireNonNull(refusal));
    }
    return value;
  }
}
