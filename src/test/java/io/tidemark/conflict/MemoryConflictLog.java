package io.tidemark.conflict;

import io.tidemark.change.RowKey;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** A conflict log in memory, for tests of what writes to one. */
public final class MemoryConflictLog implements ConflictLog {
  private record Id(Place place, RowKey key) {}

  private final Map<Id, Detected> recorded = new LinkedHashMap<>();
  private final Map<RowKey, Later> joined = new LinkedHashMap<>();
  private final Set<RowKey> waiting = new HashSet<>();

  @Override
  public void record(List<Detected> conflicts) {
    for (Detected conflict : conflicts) {
      recorded.put(new Id(conflict.place(), conflict.rowKey()), conflict);
      if (conflict.verdict() == Verdict.REVIEW) {
        waiting.add(conflict.rowKey());
      }
    }
  }

  @Override
  public Set<RowKey> waiting() {
    return Set.copyOf(waiting);
  }

  @Override
  public Set<RowKey> heldBack(List<String> keyColumns) {
    return recorded.values().stream()
        .filter(one -> one.type() == ConflictType.UNIQUE_VIOLATION)
        .filter(one -> waiting.contains(one.rowKey()))
        .map(Detected::target)
        .map(row -> RowKey.of(row.value(row.shape().indexOf(keyColumns.get(0)))))
        .collect(Collectors.toSet());
  }

  @Override
  public Set<RowKey> join(List<Later> changes) {
    Set<RowKey> free = new HashSet<>();
    for (Later change : changes) {
      if (waiting.contains(change.key())) {
        joined.put(change.key(), change);
      } else {
        free.add(change.key());
      }
    }
    return free;
  }

  /** All conflicts on record, in the order in which they were found. */
  public List<Detected> all() {
    return new ArrayList<>(recorded.values());
  }

  /** The last later change of each key that waits. */
  public Map<RowKey, Later> joined() {
    return Map.copyOf(joined);
  }

  /** As if a person had decided about the key. */
  public void decide(RowKey key) {
    waiting.remove(key);
  }
}
