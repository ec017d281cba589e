package io.tidemark.apply;

import io.tidemark.apply.TwoWayMemory.Compared;
import io.tidemark.change.RowKey;
import io.tidemark.conflict.Detected;
import io.tidemark.conflict.Later;
import io.tidemark.conflict.Verdict;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What keys of both directions came to when they were brought in step together. */
final class TwoWayFindings {
  private final List<Detected> conflicts = new ArrayList<>();
  private final List<Later> later = new ArrayList<>();
  private final Set<RowKey> reviewed = new HashSet<>();
  private final Set<RowKey> held = new HashSet<>();
  private final Set<RowKey> skippedHeld = new HashSet<>();
  private final Map<RowKey, Compared> compared = new HashMap<>();
  private RowCounts counts = RowCounts.NONE;
  private @Nullable String unfinished;

  void add(Detected conflict) {
    conflicts.add(conflict);
    if (conflict.verdict() == Verdict.REVIEW) {
      reviewed.add(conflict.rowKey());
    }
  }

  /** A change of a key that waits for a person. */
  void addLater(Later change) {
    later.add(change);
    count(RowCounts.skipped(1));
  }

  /** A row of the target that is left as it is from now on, until a person has decided. */
  void addHeld(RowKey key) {
    held.add(key);
    count(RowCounts.skipped(1));
  }

  /** A row that was left as it is for that reason. */
  void addSkippedHeld(RowKey key) {
    skippedHeld.add(key);
    count(RowCounts.skipped(1));
  }

  void addCompared(RowKey key, Compared upTo) {
    compared.put(key, upTo);
  }

  /** The batch ends amid a transaction of which more has to be known. */
  void unfinished(String topic) {
    unfinished = topic;
  }

  void count(RowCounts more) {
    counts = counts.plus(more);
  }

  /** Takes what others have found that were written. */
  void take(TwoWayFindings others) {
    takeUnfinished(others);
    conflicts.addAll(others.conflicts);
    later.addAll(others.later);
    reviewed.addAll(others.reviewed);
    held.addAll(others.held);
    skippedHeld.addAll(others.skippedHeld);
    compared.putAll(others.compared);
    counts = counts.plus(others.counts);
  }

  /** Takes of others, written or not, whether more has to be known. */
  void takeUnfinished(TwoWayFindings others) {
    unfinished = others.unfinished == null ? unfinished : others.unfinished;
  }

  /** The topic of which more is to be read. */
  Optional<String> unfinished() {
    return Optional.ofNullable(unfinished);
  }

  List<Detected> conflicts() {
    return List.copyOf(conflicts);
  }

  List<Later> later() {
    return List.copyOf(later);
  }

  /** The keys about which a person is asked. */
  Set<RowKey> reviewed() {
    return reviewed;
  }

  Set<RowKey> held() {
    return held;
  }

  Set<RowKey> skippedHeld() {
    return skippedHeld;
  }

  Map<RowKey, Compared> compared() {
    return compared;
  }

  /** With the conflicts. */
  RowCounts counts() {
    long decided = conflicts.stream().filter(one -> one.verdict() != Verdict.REVIEW).count();
    return counts.plus(RowCounts.conflicts(conflicts.size(), decided));
  }
}
