package io.tidemark.bench;

import io.tidemark.TestStack;
import io.tidemark.bench.Contest.Contender;
import io.tidemark.bench.Contest.Figure;
import io.tidemark.bench.Lab.Used;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Changes that gather while all followers of some tables stand still, and that one follower after
 * the other then catches up with.
 */
final class Backlog {
  static final List<Figure> FIGURES =
      List.of(
          Figure.rate("changes/s"),
          Figure.less("processor time, program", "µs/change"),
          Figure.less("processor time, broker", "µs/change"),
          Figure.less("processor time, sender", "µs/change"),
          Figure.less("processor time, target", "µs/change"),
          Figure.less("memory of the program, most", "MB"));

  private final Lab lab;
  private final Followers followers;
  private final int changes;
  private int loads;

  /** Makes a load's changes. */
  interface Work {
    /**
     * @param earlier how many loads there were before
     */
    void run(int earlier) throws Exception;
  }

  /**
   * @param changes of one load
   */
  Backlog(Lab lab, Followers followers, int changes) {
    this.lab = lab;
    this.followers = followers;
    this.changes = changes;
  }

  /** The followers by name; the first one's turn begins with the next load. */
  Map<String, Contender> contenders(Work work) {
    Map<String, Contender> contenders = new LinkedHashMap<>();
    for (Follower follower : followers.all()) {
      boolean isFirst = contenders.isEmpty();
      contenders.put(
          follower.name(),
          () -> {
            if (isFirst) {
              load(work);
            }
            return follow(follower);
          });
    }
    return contenders;
  }

  private void load(Work work) throws Exception {
    followers.level("before load " + loads);
    work.run(loads);
    loads++;
    followers.mark(mark());
    TestStack.execute(lab.source(), "checkpoint");
  }

  private String mark() {
    return "load " + loads;
  }

  private Map<String, Double> follow(Follower follower) throws Exception {
    TestStack.execute(follower.target(), "checkpoint");
    if (follower.program().isPresent()) {
      Processes.forgetPeak(follower.program().getAsLong());
    }
    Used before = lab.used(follower);
    long started = System.nanoTime();
    follower.sender().release();
    followers.awaitMark(follower, mark());
    double seconds = (System.nanoTime() - started) / 1e9;
    Used used = lab.used(follower).since(before);
    followers.requireEqual(follower);
    follower.sender().hold();
    double each = 1e6 / changes;
    Map<String, Double> figures = new HashMap<>();
    figures.put("rate", changes / seconds);
    figures.put("processor time, sender", used.sender() * each);
    figures.put("processor time, target", used.target() * each);
    if (follower.program().isPresent()) {
      figures.put("processor time, program", used.program() * each);
      figures.put("processor time, broker", used.broker() * each);
      figures.put(
          "memory of the program, most", Processes.peakMegabytes(follower.program().getAsLong()));
    }
    return figures;
  }
}
