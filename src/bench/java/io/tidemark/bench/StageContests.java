package io.tidemark.bench;

import io.tidemark.TestStack;
import io.tidemark.bench.ConnectChain.Tuning;
import io.tidemark.bench.Contest.Contender;
import io.tidemark.bench.Contest.Figure;
import io.tidemark.bench.Orders.Load;
import io.tidemark.bench.Orders.Mix;
import java.io.IOException;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.common.TopicPartition;

/**
 * The two halves by themselves: first from the source into the topic, while nothing is written to
 * the target; then from the topic to the target, while nothing is captured.
 */
final class StageContests implements AutoCloseable {
  private static final int PER_TRANSACTION = 100;
  private static final String MARK = "stage ";

  private final Lab lab;
  private final int changes;
  private final int rounds;
  private final Followers followers;

  /** What Kafka Connect captures at its best; its sink could not read it. */
  private final ConnectChain capture;

  private int loads;

  /** Bytes of the source's log that the last load took. */
  private double logBytes;

  StageContests(Lab lab, int changes, int rounds) throws Exception {
    this.lab = lab;
    this.changes = changes;
    this.rounds = rounds;
    followers = new Followers(lab, "stages", 1, (long) changes * rounds, Tuning.THROUGHPUT);
    capture = ConnectChain.start(lab, "capture", followers.tables(), Tuning.CAPTURE);
    capture.follower().sender().hold();
  }

  Contest contest() {
    Map<String, Contender> contenders = new LinkedHashMap<>();
    for (Follower follower : followers.all()) {
      boolean isFirst = contenders.isEmpty();
      if (follower.program().isPresent()) {
        contenders.put(
            follower.name(),
            () -> {
              if (isFirst) {
                load();
              }
              return stages(follower);
            });
      }
    }
    contenders.put(capture.follower().name(), this::captureAlone);
    return new Contest(
        "stages",
        "%,d changes, transactions of %d, each half alone".formatted(changes, PER_TRANSACTION),
        List.of(
            new Figure("capture", "changes/s", true),
            new Figure("log read by capture", "MB/s", true),
            new Figure("apply", "changes/s", true)),
        contenders);
  }

  private void load() throws Exception {
    String begin = logEnd();
    Load.after(loads, rounds, followers.tables(), Mix.ALL, changes, PER_TRANSACTION)
        .run(lab.source());
    loads++;
    followers.mark(MARK + loads);
    logBytes =
        Double.parseDouble(
            TestStack.text(
                lab.source(), "select '%s'::pg_lsn - '%s'::pg_lsn".formatted(logEnd(), begin)));
  }

  private String logEnd() {
    return TestStack.text(lab.source(), "select pg_current_wal_insert_lsn()");
  }

  private Map<String, Double> stages(Follower follower) throws Exception {
    follower.writer().hold();
    Map<String, Double> figures = new HashMap<>(captured(capture(follower)));
    long started = System.nanoTime();
    follower.writer().release();
    followers.awaitMark(follower, MARK + loads);
    figures.put("apply", changes / ((System.nanoTime() - started) / 1e9));
    followers.requireEqual(follower);
    follower.sender().hold();
    return figures;
  }

  private Map<String, Double> captureAlone() throws Exception {
    Map<String, Double> figures = captured(capture(capture.follower()));
    capture.follower().sender().hold();
    return figures;
  }

  /**
   * @param seconds that capture took
   */
  private Map<String, Double> captured(double seconds) {
    return Map.of("capture", changes / seconds, "log read by capture", logBytes / seconds / 1e6);
  }

  /** Lets the changes into the topic; answers how many seconds it took. */
  private double capture(Follower follower) throws Exception {
    TopicPartition topic = new TopicPartition(follower.topics() + followers.tables().get(0), 0);
    try (Admin admin = Admin.create(properties())) {
      long end = end(admin, topic) + changes;
      long started = System.nanoTime();
      follower.sender().release();
      // The mark is one more record than the changes; a commit's marker may count as well.
      Patience patience = new Patience("changes in " + topic);
      while (end(admin, topic) <= end) {
        patience.step(10);
      }
      return (System.nanoTime() - started) / 1e9;
    }
  }

  private Properties properties() {
    Properties properties = new Properties();
    properties.put("bootstrap.servers", lab.brokers());
    return properties;
  }

  private static long end(Admin admin, TopicPartition topic) throws Exception {
    return admin
        .listOffsets(Map.of(topic, OffsetSpec.latest()))
        .partitionResult(topic)
        .get()
        .offset();
  }

  @Override
  public void close() throws IOException {
    capture.follower().sender().release();
    capture.close();
    followers.close();
  }
}
