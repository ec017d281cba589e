package io.tidemark.bench;

import io.tidemark.TestStack;
import io.tidemark.bench.Orders.Width;
import java.io.IOException;
import java.util.Map;

/** A table of wide rows that Tidemark alone keeps in step, and that gets one load after another. */
final class LoneTable {
  private final Lab lab;
  private final String name;
  private int loads;

  private LoneTable(Lab lab, String name) {
    this.lab = lab;
    this.name = name;
  }

  /** A filled table, in step. */
  static LoneTable of(Lab lab, String name, long rows) throws IOException {
    return of(lab, name, Width.USUAL, rows);
  }

  static LoneTable of(Lab lab, String name, Width width, long rows) throws IOException {
    return of(lab, name, Orders.fill(name, rows, width), "default", "");
  }

  /**
   * @param fill fills the source
   * @param identity the source's replica identity
   * @param settings further members of the configuration, each after a comma
   */
  static LoneTable of(Lab lab, String name, String fill, String identity, String settings)
      throws IOException {
    TestStack.execute(lab.source(), Orders.wide(name));
    TestStack.execute(lab.target(), Orders.wide(name));
    TestStack.execute(lab.source(), "alter table %s replica identity %s".formatted(name, identity));
    TestStack.execute(lab.source(), fill);
    TestStack.execute(lab.source(), "vacuum analyze " + name);
    lab.keepInStep(name, settings);
    TestStack.execute(lab.target(), "vacuum analyze " + name);
    return new LoneTable(lab, name);
  }

  String name() {
    return name;
  }

  /** Makes the next load, and marks its end. */
  void load(Backlog.Work work) throws Exception {
    work.run(loads);
    loads++;
    Orders.mark(lab.source(), name, mark());
  }

  private String mark() {
    return "load " + loads;
  }

  /** Waits until the last load is there. */
  void await() throws Exception {
    Orders.awaitMark(lab.target(), name, mark());
  }

  void requireEqual() {
    Orders.requireEqual(lab.source(), lab.target(), name);
  }

  /**
   * Lets a load gather while nothing is sent, and catches up with it.
   *
   * @param changes of the load
   * @return changes a second, and microseconds of the target's processors for each
   */
  Map<String, Double> catchUp(int changes, Backlog.Work work) throws Exception {
    Follower follower = lab.tidemark();
    follower.sender().hold();
    load(work);
    TestStack.execute(lab.source(), "checkpoint");
    TestStack.execute(lab.target(), "checkpoint");
    double before = lab.used(follower).target();
    long started = System.nanoTime();
    follower.sender().release();
    await();
    double seconds = (System.nanoTime() - started) / 1e9;
    double used = lab.used(follower).target() - before;
    requireEqual();
    return Map.of("rate", changes / seconds, "processor time, target", used * 1e6 / changes);
  }
}
