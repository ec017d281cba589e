package io.tidemark.run;

import org.jspecify.annotations.Nullable;

/**
 * How far an execution is.
 *
 * @param phase a word for what it does now, such as {@code copying}
 * @param percent 0 to 100; null if the end cannot be told
 * @param rowsPerSecond null before there is something to measure
 * @param etaSeconds seconds until it ends; null if that cannot be told
 */
public record ExecutionProgress(
    String phase,
    @Nullable Double percent,
    @Nullable Double rowsPerSecond,
    @Nullable Long etaSeconds) {
  public ExecutionProgress(String phase) {
    this(phase, null, null, null);
  }
}
