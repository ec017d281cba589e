package io.tidemark.apply;

import io.tidemark.change.RowKey;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/** Parked rows in memory, for tests of what parks them. */
final class MemoryParkedRows implements ParkedRows {
  private final List<ParkedRow> rows = new ArrayList<>();

  @Override
  public void park(List<ParkedRow> more) {
    rows.addAll(more);
  }

  @Override
  public Set<RowKey> among(List<String> keyColumns, Collection<RowKey> keys) {
    return rows.stream().map(ParkedRow::key).filter(keys::contains).collect(Collectors.toSet());
  }

  List<ParkedRow> all() {
    return rows;
  }
}
