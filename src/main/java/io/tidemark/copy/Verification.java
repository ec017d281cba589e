package io.tidemark.copy;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a comparison of source and target came to.
 *
 * @param sourceRows rows of the source that were compared
 * @param targetRows rows of the target that were compared
 * @param missing rows that only the source has
 * @param extra rows that only the target has
 * @param different rows that both have, with other values
 * @param undecided keys whose rows differ and that wait for a person; not among the others
 * @param unsettled keys that changed each time they were looked at; not among the others
 * @param samples some of the rows that differ
 * @param upTo what was committed at the source before this moment was compared
 */
public record Verification(
    long sourceRows,
    long targetRows,
    long missing,
    long extra,
    long different,
    long undecided,
    long unsettled,
    List<Sample> samples,
    Instant upTo) {
  /** How a row differs. */
  public enum Kind {
    MISSING,
    EXTRA,
    DIFFERENT
  }

  /**
   * A row that differs.
   *
   * @param key the target's key columns and their values, as text
   * @param columns the target's columns whose values differ; none unless both sides have the row
   */
  public record Sample(Kind kind, Map<String, @Nullable String> key, List<String> columns) {
    public Sample {
      columns = List.copyOf(columns);
    }
  }

  public Verification {
    samples = List.copyOf(samples);
  }

  /** Rows that differ, those aside that wait for a person. */
  public long differences() {
    return missing + extra + different;
  }
}
