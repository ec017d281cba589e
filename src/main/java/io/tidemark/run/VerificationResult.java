package io.tidemark.run;

import io.tidemark.change.WireName;
import io.tidemark.copy.Verification;
import io.tidemark.sync.DeleteHandling;
import io.tidemark.sync.SyncDefinition;
import io.tidemark.sync.SyncStrategy;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a verification came to.
 *
 * @param equal whether source and target are as the configuration wants them: no row differs but
 *     those that wait for a person, and, where it keeps rows that only the target has, those
 * @param rowsCompared rows of the source
 * @param missing rows that only the source has
 * @param extra rows that only the target has
 * @param different rows that both have, with other values
 * @param undecided keys that wait for a person and whose rows differ; not among the others
 * @param unsettled keys that changed on both sides each time they were looked at
 * @param verifiedUpTo what the source had committed before this moment was compared
 * @param samples some of the rows that differ
 * @param repaired what was found before a repair; null if nothing was repaired
 */
public record VerificationResult(
    boolean equal,
    long rowsCompared,
    long missing,
    long extra,
    long different,
    long undecided,
    long unsettled,
    Instant verifiedUpTo,
    List<Sample> samples,
    @Nullable Repaired repaired) {
  /**
   * A row that differs.
   *
   * @param kind {@code missing}, {@code extra} or {@code different}
   * @param key the target's key columns and their values, as text
   * @param columns the target's columns that differ, where both sides have the row
   */
  public record Sample(String kind, Map<String, @Nullable String> key, List<String> columns) {}

  /**
   * What was there before the repair.
   *
   * @param mode of the sync that repaired it
   */
  public record Repaired(String mode, long missing, long extra, long different) {}

  public VerificationResult {
    samples = List.copyOf(samples);
  }

  static VerificationResult of(SyncDefinition definition, Verification found) {
    long unwanted = found.missing() + found.different() + found.unsettled();
    return new VerificationResult(
        (keepsExtra(definition) ? unwanted : unwanted + found.extra()) == 0,
        found.sourceRows(),
        found.missing(),
        found.extra(),
        found.different(),
        found.undecided(),
        found.unsettled(),
        found.upTo(),
        found.samples().stream()
            .map(one -> new Sample(WireName.of(one.kind()), one.key(), one.columns()))
            .toList(),
        null);
  }

  /** Rows that were not the same on both sides, whether the configuration wants them so or not. */
  long unequal() {
    return missing + extra + different + unsettled;
  }

  private static boolean keepsExtra(SyncDefinition definition) {
    return definition.deleteHandling() == DeleteHandling.IGNORE
        || definition.strategy() == SyncStrategy.MERGE && !definition.bidirectional();
  }

  /** This one, after a repair of what an earlier one has found. */
  VerificationResult after(ExecutionMode repair, VerificationResult before) {
    return new VerificationResult(
        equal,
        rowsCompared,
        missing,
        extra,
        different,
        undecided,
        unsettled,
        verifiedUpTo,
        samples,
        new Repaired(WireName.of(repair), before.missing, before.extra, before.different));
  }
}
