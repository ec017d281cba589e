package io.tidemark.bench;

import io.tidemark.bench.ConnectChain.Tuning;
import io.tidemark.bench.Contest.Contender;
import io.tidemark.bench.Contest.Figure;
import io.tidemark.bench.Lab.Used;
import java.io.IOException;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** What one costs while nothing happens. */
final class IdleContest implements AutoCloseable {
  private static final int SECONDS = 20;

  private final Lab lab;
  private final Followers followers;

  /**
   * @param tables that are kept in step
   */
  IdleContest(Lab lab, int tables) throws Exception {
    this.lab = lab;
    followers = new Followers(lab, "idle_of_" + tables, tables, 1_000, Tuning.DELAY);
  }

  Contest of(String name) {
    Map<String, Contender> contenders = new LinkedHashMap<>();
    for (Follower follower : followers.all()) {
      if (follower.program().isPresent()) {
        contenders.put(follower.name(), () -> rest(follower));
      }
    }
    return new Contest(
        name,
        "nothing happens, %d table%s"
            .formatted(followers.tables().size(), followers.tables().size() == 1 ? "" : "s"),
        List.of(
            Figure.less("processor time, program", "ms/s"),
            Figure.less("processor time, sender", "ms/s"),
            Figure.less("memory of the program, most", "MB")),
        contenders);
  }

  private Map<String, Double> rest(Follower follower) throws Exception {
    follower.sender().release();
    long pid = follower.program().orElseThrow();
    Processes.forgetPeak(pid);
    Used before = lab.used(follower);
    TimeUnit.SECONDS.sleep(SECONDS);
    Used used = lab.used(follower).since(before);
    follower.sender().hold();
    Map<String, Double> figures = new HashMap<>();
    figures.put("processor time, program", used.program() * 1e3 / SECONDS);
    figures.put("processor time, sender", used.sender() * 1e3 / SECONDS);
    figures.put("memory of the program, most", Processes.peakMegabytes(pid));
    return figures;
  }

  @Override
  public void close() throws IOException {
    followers.close();
  }
}
