package io.tidemark.bench;

import io.tidemark.TestStack;
import io.tidemark.bench.ConnectChain.Tuning;
import io.tidemark.bench.Contest.Contender;
import io.tidemark.bench.Contest.Figure;
import io.tidemark.bench.Lab.Used;
import io.tidemark.bench.Orders.Load;
import io.tidemark.bench.Orders.Mix;
import java.io.IOException;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Changes that have gathered, end to end. All contenders stand still while the changes are made,
 * and then go on, warm, one after the other.
 */
final class BacklogContests implements AutoCloseable {
  private static final List<Figure> FIGURES =
      List.of(
          Figure.rate("changes/s"),
          Figure.less("processor time, program", "µs/change"),
          Figure.less("processor time, broker", "µs/change"),
          Figure.less("processor time, sender", "µs/change"),
          Figure.less("processor time, target", "µs/change"),
          Figure.less("memory of the program, most", "MB"));

  private final Lab lab;
  private final int changes;
  private final int rounds;
  private final Followers followers;
  private int loads;

  /**
   * @param tables that the changes are spread over
   * @param changes of one backlog
   * @param rounds the most backlogs there will be
   */
  BacklogContests(Lab lab, int tables, int changes, int rounds) throws Exception {
    this.lab = lab;
    this.changes = changes;
    this.rounds = rounds;
    long rows = (long) changes / tables * rounds;
    followers = new Followers(lab, "backlog_of_" + tables, tables, rows, Tuning.THROUGHPUT);
  }

  Contest of(String name, Mix mix, int perTransaction) {
    Map<String, Contender> contenders = new LinkedHashMap<>();
    for (Follower follower : followers.all()) {
      boolean isFirst = contenders.isEmpty();
      contenders.put(
          follower.name(),
          () -> {
            if (isFirst) {
              load(mix, perTransaction);
            }
            return follow(follower);
          });
    }
    return new Contest(
        name,
        "backlog of %,d %s, transactions of %,d, %d table%s"
            .formatted(
                changes,
                mix.word(),
                perTransaction,
                followers.tables().size(),
                followers.tables().size() == 1 ? "" : "s"),
        FIGURES,
        contenders);
  }

  private void load(Mix mix, int perTransaction) throws Exception {
    Load.after(loads, rounds, followers.tables(), mix, changes, perTransaction).run(lab.source());
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

  @Override
  public void close() throws IOException {
    followers.close();
  }
}
