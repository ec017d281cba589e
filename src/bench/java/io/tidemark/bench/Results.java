package io.tidemark.bench;

import io.tidemark.bench.Contest.Figure;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What was measured: each figure of each contender of each contest, round by round. */
final class Results {
  private final List<Line> lines = new ArrayList<>();
  private final Map<String, String> machine;

  /**
   * @param machine where it was measured, for people
   */
  Results(Map<String, String> machine) {
    this.machine = new LinkedHashMap<>(machine);
  }

  /** One contender's values of one figure, a value a round. */
  record Line(Contest contest, Figure figure, String contender, List<Double> values) {
    double median() {
      List<Double> sorted = values.stream().sorted().toList();
      int middle = sorted.size() / 2;
      return sorted.size() % 2 == 1
          ? sorted.get(middle)
          : (sorted.get(middle - 1) + sorted.get(middle)) / 2;
    }

    double least() {
      return values.stream().min(Double::compare).orElseThrow();
    }

    double most() {
      return values.stream().max(Double::compare).orElseThrow();
    }
  }

  void add(Contest contest, String contender, Map<String, Double> figures) {
    for (Figure figure : contest.figures()) {
      Double value = figures.get(figure.name());
      if (value != null) {
        line(contest, figure, contender).values().add(value);
      }
    }
  }

  private Line line(Contest contest, Figure figure, String contender) {
    return find(contest, figure, contender)
        .orElseGet(
            () -> {
              Line line = new Line(contest, figure, contender, new ArrayList<>());
              lines.add(line);
              return line;
            });
  }

  private Optional<Line> find(Contest contest, Figure figure, String contender) {
    return lines.stream()
        .filter(
            one ->
                one.contest() == contest
                    && one.figure().equals(figure)
                    && one.contender().equals(contender))
        .findFirst();
  }

  /** By contest and figure, each with its contenders in their order. */
  List<Line> lines() {
    List<Line> ordered = new ArrayList<>();
    for (Contest contest : lines.stream().map(Line::contest).distinct().toList()) {
      for (Figure figure : contest.figures()) {
        contest
            .contenders()
            .keySet()
            .forEach(name -> find(contest, figure, name).ifPresent(ordered::add));
      }
    }
    return ordered;
  }

  /**
   * How many times better the contest's first contender is than this one, by the medians; above 1
   * whether more or less is better. Empty for the first itself.
   */
  Optional<Double> ratio(Line line) {
    String first = line.contest().contenders().keySet().iterator().next();
    if (first.equals(line.contender())) {
      return Optional.empty();
    }
    return find(line.contest(), line.figure(), first)
        .map(
            ours ->
                line.figure().moreIsBetter()
                    ? ours.median() / line.median()
                    : line.median() / ours.median());
  }

  Map<String, String> machine() {
    return machine;
  }
}
