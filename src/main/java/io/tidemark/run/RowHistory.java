package io.tidemark.run;

import io.tidemark.change.TopicRecord;
import io.tidemark.conflict.Conflict;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Why a row is as it is: what both sides have, and what happened to it. Each part is of its own
 * moment, a little apart from the others.
 *
 * @param key a JSON object in the target's names
 * @param differing the target's columns in which the two rows differ; null if one of them is absent
 * @param conflicts newest first, some
 * @param parked newest first, some
 * @param changes what the topics still hold, newest first
 * @param next where a search for earlier changes goes on; null if there is nothing earlier
 */
public record RowHistory(
    String key,
    SideRow source,
    SideRow target,
    @Nullable List<String> differing,
    List<Conflict> conflicts,
    List<Parked> parked,
    List<Found> changes,
    @Nullable String next) {
  public RowHistory {
    differing = differing == null ? null : List.copyOf(differing);
    conflicts = List.copyOf(conflicts);
    parked = List.copyOf(parked);
    changes = List.copyOf(changes);
  }

  /**
   * A change of the row.
   *
   * @param applied whether the other side has been written past it; null if it was never in step
   */
  public record Found(TopicRecord record, @Nullable Boolean applied) {
    long committedMicros() {
      return record.change().source().committedMicros();
    }
  }
}
