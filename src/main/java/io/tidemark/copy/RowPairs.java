package io.tidemark.copy;

import io.tidemark.change.RowKey;
import io.tidemark.copy.Verification.Kind;
import io.tidemark.sync.TableMapping;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Some keys' rows on both sides, as the hashes of their values.
 *
 * @param source by the key's place in the list; absent if the side has no such row
 * @param target likewise
 */
record RowPairs(List<RowKey> keys, Map<Integer, long[]> source, Map<Integer, long[]> target) {
  /** How a key's rows differ; empty if they are equal, or neither side has one. */
  Optional<Kind> kind(int index) {
    long[] here = source.get(index);
    long[] there = target.get(index);
    if (here == null || there == null) {
      return here == there
          ? Optional.empty()
          : Optional.of(here == null ? Kind.EXTRA : Kind.MISSING);
    }
    return Arrays.equals(here, there) ? Optional.empty() : Optional.of(Kind.DIFFERENT);
  }

  /** The places of keys whose rows differ. */
  List<Integer> differing() {
    List<Integer> differing = new ArrayList<>();
    for (int i = 0; i < keys.size(); i++) {
      if (kind(i).isPresent()) {
        differing.add(i);
      }
    }
    return differing;
  }

  /** Whether both sides of a key are as they were in another look at the same keys. */
  boolean isAsIn(RowPairs there, int index) {
    return Arrays.equals(source.get(index), there.source.get(index))
        && Arrays.equals(target.get(index), there.target.get(index));
  }

  /** The keys of these places and their rows, with places of their own. */
  RowPairs only(List<Integer> places) {
    return new RowPairs(
        places.stream().map(keys::get).toList(), only(places, source), only(places, target));
  }

  private static Map<Integer, long[]> only(List<Integer> places, Map<Integer, long[]> rows) {
    Map<Integer, long[]> some = new HashMap<>();
    for (int i = 0; i < places.size(); i++) {
      long[] row = rows.get(places.get(i));
      if (row != null) {
        some.put(i, row);
      }
    }
    return some;
  }

  /** Counts a differing row, and keeps it as a sample while some are wanted. */
  void record(int index, Findings findings, TableMapping mapping) {
    kind(index)
        .ifPresent(
            kind -> {
              findings.add(kind, 1);
              findings.sample(kind, keys.get(index), columns(index, mapping));
            });
  }

  /** Keeps differing rows as samples; they were counted. */
  void sample(Findings findings, TableMapping mapping) {
    for (int index : differing()) {
      kind(index)
          .ifPresent(kind -> findings.sample(kind, keys.get(index), columns(index, mapping)));
    }
  }

  private List<String> columns(int index, TableMapping mapping) {
    long[] here = source.get(index);
    long[] there = target.get(index);
    List<String> columns = new ArrayList<>();
    if (here != null && there != null) {
      for (int i = 0; i < here.length; i++) {
        if (here[i] != there[i]) {
          columns.add(mapping.columns().get(i).target().name());
        }
      }
    }
    return columns;
  }
}
