package io.tidemark.apply;

import io.tidemark.change.RowKey;
import io.tidemark.conflict.ConflictLog;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What a loop in both directions knows from one batch to the next. */
final class TwoWayMemory {
  /** Beyond it, what one transaction has written is not kept, but read again where it matters. */
  private static final int AHEAD_MAX = 50_000;

  private final ConflictLog log;
  private final List<String> keyColumns;
  private final Set<RowKey> waiting = new HashSet<>();
  private final Set<RowKey> heldBack = new HashSet<>();
  private final Map<RowKey, Compared> ahead = new HashMap<>();

  /** Up to which writes of each side a row was compared, ahead of what has arrived. */
  record Compared(long sourceMicros, long targetMicros) {
    static final Compared NEVER = new Compared(0, 0);
  }

  TwoWayMemory(ConflictLog log, List<String> keyColumns) {
    this.log = log;
    this.keyColumns = List.copyOf(keyColumns);
  }

  /** Reads which keys wait for a person; before the first batch and after somebody else's write. */
  void renew() {
    waiting.clear();
    waiting.addAll(log.waiting());
    renewHeldBack();
    ahead.clear();
  }

  private void renewHeldBack() {
    heldBack.clear();
    heldBack.addAll(log.heldBack(keyColumns));
  }

  /** Whether a key waits for a person. */
  boolean isWaiting(RowKey key) {
    return waiting.contains(key);
  }

  /** Whether a row of the target holds a unique value about which a person is asked. */
  boolean isHeldBack(RowKey key) {
    return heldBack.contains(key);
  }

  /** Up to where a row was compared, as far as that is ahead of what has arrived. */
  Compared compared(RowKey key) {
    return ahead.getOrDefault(key, Compared.NEVER);
  }

  /** Takes note that keys wait no more. */
  void free(Set<RowKey> keys) {
    waiting.removeAll(keys);
  }

  /** Whether rows are held back still; if not all are, which ones are is read anew. */
  boolean areStillHeldBack(Collection<RowKey> keys) {
    if (keys.isEmpty()) {
      return true;
    }
    renewHeldBack();
    return heldBack.containsAll(keys);
  }

  /**
   * Keeps what a batch has found, once it is committed. Of what was compared, that which is ahead
   * of what has arrived, until it has arrived, and what the transactions have written in which the
   * positions stand.
   */
  void keep(TwoWayFindings findings, TwoWayWork work) {
    waiting.addAll(findings.reviewed());
    heldBack.addAll(findings.held());
    long source = work.sourceTo().committedMicros();
    long target = work.targetTo().committedMicros();
    ahead.putAll(findings.compared());
    ahead.values().removeIf(one -> one.sourceMicros() < source && one.targetMicros() < target);
    if (ahead.size() > AHEAD_MAX) {
      ahead.values().removeIf(one -> one.sourceMicros() <= source && one.targetMicros() <= target);
    }
  }
}
