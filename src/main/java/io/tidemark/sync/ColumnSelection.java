package io.tidemark.sync;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/** Which source columns are kept in step, and in which target column each arrives. */
public sealed interface ColumnSelection {
  /** The target column for a source column, or empty if that one is left out. */
  Optional<String> targetOf(String sourceColumn);

  /** Source columns that must be there, because the user named them. */
  List<String> named();

  /** The same columns, asked from the target's side. */
  ColumnSelection reversed();

  /** All columns that both tables have, matched by name. */
  record All() implements ColumnSelection {
    @Override
    public Optional<String> targetOf(String sourceColumn) {
      return Optional.of(sourceColumn);
    }

    @Override
    public List<String> named() {
      return List.of();
    }

    @Override
    public ColumnSelection reversed() {
      return this;
    }
  }

  /** These columns, each named the same on both sides. */
  record Names(List<String> named) implements ColumnSelection {
    public Names {
      named = List.copyOf(named);
    }

    @Override
    public Optional<String> targetOf(String sourceColumn) {
      return named.contains(sourceColumn) ? Optional.of(sourceColumn) : Optional.empty();
    }

    @Override
    public ColumnSelection reversed() {
      return this;
    }
  }

  /** These columns: source name to target name. The user's order is kept. */
  record Renames(Map<String, String> targets) implements ColumnSelection {
    public Renames {
      targets =
          targets.keySet().stream()
              .collect(
                  Collectors.toMap(
                      Function.identity(), targets::get, (a, b) -> a, LinkedHashMap::new));
    }

    @Override
    public Optional<String> targetOf(String sourceColumn) {
      return Optional.ofNullable(targets.get(sourceColumn));
    }

    @Override
    public List<String> named() {
      return List.copyOf(targets.keySet());
    }

    @Override
    public ColumnSelection reversed() {
      Map<String, String> sources = new LinkedHashMap<>();
      targets.forEach((source, target) -> sources.put(target, source));
      return new Renames(sources);
    }
  }
}
