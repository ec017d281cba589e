package io.tidemark.copy;

import io.tidemark.change.OperatingFailure;
import io.tidemark.change.RowKey;
import io.tidemark.conflict.ConflictLog;
import io.tidemark.conflict.Detected;
import io.tidemark.conflict.Later;
import io.tidemark.conflict.Place;
import io.tidemark.conflict.Verdict;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** A conflict log in memory: one place and key is one conflict. */
final class RecordedConflicts implements ConflictLog {
  private record Identity(Place place, RowKey key) {}

  private final Map<Identity, Detected> recorded = new LinkedHashMap<>();
  private final List<Later> later = new ArrayList<>();
  private final List<Integer> batches = new ArrayList<>();
  private @Nullable Runnable onRecord;

  /** Runs whenever conflicts are put on record, before they are. */
  void onRecord(Runnable action) {
    onRecord = action;
  }

  void fail() {
    onRecord =
        () -> {
          throw new OperatingFailure(OperatingFailure.Kind.STORE, "down", "the store", null, null);
        };
  }

  @Override
  public void record(List<Detected> conflicts) {
    if (onRecord != null) {
      onRecord.run();
    }
    batches.add(conflicts.size());
    conflicts.forEach(one -> recorded.put(new Identity(one.place(), one.rowKey()), one));
  }

  @Override
  public Set<RowKey> waiting() {
    return recorded.values().stream()
        .filter(one -> one.verdict() == Verdict.REVIEW)
        .map(Detected::rowKey)
        .collect(Collectors.toSet());
  }

  @Override
  public Set<RowKey> join(List<Later> changes) {
    later.addAll(changes);
    return Set.of();
  }

  List<Detected> all() {
    return List.copyOf(recorded.values());
  }

  List<Later> later() {
    return List.copyOf(later);
  }

  List<Integer> batches() {
    return List.copyOf(batches);
  }

  /** The verdicts by the text of the key's first column. */
  Map<String, Verdict> verdicts() {
    Map<String, Verdict> verdicts = new TreeMap<>();
    recorded.values().forEach(one -> verdicts.put(one.key().value(0), one.verdict()));
    return verdicts;
  }

  Detected of(String key) {
    return recorded.values().stream()
        .filter(one -> key.equals(one.key().value(0)))
        .findFirst()
        .orElseThrow();
  }
}
