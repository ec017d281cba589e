package io.tidemark.apply;

import io.tidemark.change.Row;
import io.tidemark.change.RowKey;
import io.tidemark.conflict.ConflictLog;
import io.tidemark.conflict.Detected;
import io.tidemark.conflict.Later;
import io.tidemark.conflict.Place;
import io.tidemark.conflict.Verdict;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The conflicts that one transaction of an apply loop has met so far: those that are decided, those
 * that are to be decided by a person, and later changes of keys that already wait for that.
 */
final class Findings {
  /** More than this are put on record at once, not held until the commit: a TRUNCATE meets many. */
  private static final int HELD_MAX = 1000;

  private final String topic;
  private final int partition;
  private final Set<RowKey> waiting;
  private final ConflictLog log;
  private final Refused refused;
  private final List<Detected> decided = new ArrayList<>();
  private final Map<RowKey, Detected> reviews = new LinkedHashMap<>();
  private long recorded;
  private long recordedResolved;

  /** Tells of which keys the target has refused a change, be it in this transaction. */
  interface Refused {
    Set<RowKey> among(Collection<RowKey> keys);
  }

  /**
   * @param waiting keys that wait for a person since before this transaction
   */
  Findings(String topic, int partition, Set<RowKey> waiting, ConflictLog log, Refused refused) {
    this.topic = topic;
    this.partition = partition;
    this.waiting = waiting;
    this.log = log;
    this.refused = refused;
  }

  /** Findings that continue these, and may yet be given up. */
  Findings branch() {
    Findings branch = new Findings(topic, partition, waiting, log, refused);
    branch.reviews.putAll(reviews);
    return branch;
  }

  /** Takes what a branch has found. */
  void take(Findings branch) {
    branch.decided.forEach(this::add);
    reviews.putAll(branch.reviews);
    recorded += branch.recorded;
    recordedResolved += branch.recordedResolved;
  }

  Set<RowKey> waiting() {
    return waiting;
  }

  /** Those of the keys whose rows may be missing because the target refused them, not others. */
  Set<RowKey> refusedAmong(Collection<RowKey> keys) {
    return keys.isEmpty() ? Set.of() : refused.among(keys);
  }

  Place place(RowEdit edit) {
    return new Place(topic, partition, edit.first().offset());
  }

  Place place(Step.Truncate step) {
    return new Place(topic, partition, step.from().offset());
  }

  void add(Detected conflict) {
    if (conflict.verdict() == Verdict.REVIEW) {
      reviews.put(conflict.rowKey(), conflict);
    } else {
      decided.add(conflict);
    }
    if (decided.size() >= HELD_MAX) {
      recordDecided();
    }
    if (reviews.size() >= HELD_MAX) {
      // Known to the log, they stay here as well: a later step must not write their rows.
      log.record(List.copyOf(reviews.values()));
    }
  }

  /**
   * Adds an edit to the conflict of its key, if this transaction has met one for a person.
   *
   * @param source the row that the edit puts, null for none
   * @return whether there is one; the edit is not to be written then
   */
  boolean join(RowEdit edit, @Nullable Row source) {
    Detected review = reviews.get(edit.key());
    if (review == null) {
      return false;
    }
    Row known = review.source();
    reviews.put(
        edit.key(),
        new Detected(
            review.type(),
            review.key(),
            review.place(),
            edit.last().position(),
            source == null || known == null ? source : source.completedBy(known),
            review.target(),
            review.base(),
            review.differing(),
            Verdict.REVIEW));
    return true;
  }

  private void recordDecided() {
    log.record(List.copyOf(decided));
    recorded += decided.size();
    recordedResolved += decided.size();
    decided.clear();
  }

  /**
   * Puts all of it on record.
   *
   * <p>INVARIANT: before the target's commit. A crash between the two finds and records the same
   * conflicts again.
   *
   * @param later last states of keys that waited before this transaction
   * @return keys that do not wait any more: nothing may be committed, their changes are to be
   *     written
   */
  Set<RowKey> record(List<Later> later) {
    if (!later.isEmpty()) {
      Set<RowKey> free = log.join(later);
      if (!free.isEmpty()) {
        return free;
      }
    }
    List<Detected> all = new ArrayList<>(decided);
    all.addAll(reviews.values());
    if (!all.isEmpty()) {
      log.record(all);
    }
    return Set.of();
  }

  /** The keys that wait for a person since this transaction. */
  Set<RowKey> reviewed() {
    return Set.copyOf(reviews.keySet());
  }

  RowCounts counts() {
    return RowCounts.conflicts(
        recorded + decided.size() + reviews.size(), recordedResolved + decided.size());
  }
}
