package io.tidemark.conflict;

import io.tidemark.change.RowKey;
import java.util.List;
import java.util.Set;

/** The log of a table where nothing can conflict. */
enum NoConflicts implements ConflictLog {
  INSTANCE;

  @Override
  public void record(List<Detected> conflicts) {
    if (!conflicts.isEmpty()) {
      throw new IllegalStateException(conflicts.size() + " conflicts where there can be none");
    }
  }

  @Override
  public Set<RowKey> waiting() {
    return Set.of();
  }

  @Override
  public Set<RowKey> join(List<Later> changes) {
    throw new IllegalStateException("no key waits where nothing can conflict");
  }
}
