package io.tidemark.bench;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * One job that several do, one after the other, in each round.
 *
 * @param name what {@code -Dbench.cases} selects
 * @param figures what a run of each contender answers, by {@link Figure#name}
 * @param contenders the first is compared with each other one
 */
record Contest(String name, String job, List<Figure> figures, Map<String, Contender> contenders) {
  Contest {
    figures = List.copyOf(figures);
    contenders = new LinkedHashMap<>(contenders);
  }

  /** What is measured. */
  record Figure(String name, String unit, boolean moreIsBetter) {
    static Figure rate(String unit) {
      return new Figure("rate", unit, true);
    }

    static Figure less(String name, String unit) {
      return new Figure(name, unit, false);
    }
  }

  /** Does the job once. */
  interface Contender {
    /** The figures, by name; one that cannot be told is left out. */
    Map<String, Double> run() throws Exception;
  }
}
