package io.tidemark.copy;

import io.tidemark.change.RowKey;
import io.tidemark.copy.Verification.Kind;
import io.tidemark.copy.Verification.Sample;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What a comparison has found so far: all of it counted, some of it kept as samples. */
final class Findings {
  /** Enough to see a pattern in, few enough for one answer. */
  private static final int SAMPLES_MAX = 100;

  private final List<String> keyColumns;
  private final Map<Kind, Long> counts = new EnumMap<>(Kind.class);
  private final List<Sample> samples = new ArrayList<>();
  private long undecided;
  private long unsettled;

  /**
   * @param keyColumns the target's
   */
  Findings(List<String> keyColumns) {
    this.keyColumns = List.copyOf(keyColumns);
  }

  boolean wantsSamples() {
    return samples.size() < SAMPLES_MAX;
  }

  void add(Kind kind, long rows) {
    counts.merge(kind, rows, Long::sum);
  }

  void undecided(long keys) {
    undecided += keys;
  }

  void unsettled(long keys) {
    unsettled += keys;
  }

  /** Keeps one of those that were added. */
  void sample(Kind kind, RowKey key, List<String> columns) {
    if (!wantsSamples()) {
      return;
    }
    Map<String, @Nullable String> values = new LinkedHashMap<>();
    for (int i = 0; i < keyColumns.size(); i++) {
      values.put(keyColumns.get(i), key.value(i));
    }
    samples.add(new Sample(kind, values, columns));
  }

  Verification of(long sourceRows, long targetRows, Instant upTo) {
    return new Verification(
        sourceRows,
        targetRows,
        counts.getOrDefault(Kind.MISSING, 0L),
        counts.getOrDefault(Kind.EXTRA, 0L),
        counts.getOrDefault(Kind.DIFFERENT, 0L),
        undecided,
        unsettled,
        samples,
        upTo);
  }
}
