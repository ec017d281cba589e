package io.tidemark.bench;

import io.tidemark.TestStack;
import io.tidemark.bench.Contest.Contender;
import io.tidemark.bench.Contest.Figure;
import io.tidemark.bench.Orders.Load;
import io.tidemark.bench.Orders.Mix;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.common.TopicPartition;

/**
 * From the topic to the target, while nothing is captured: a table with one partition beside one
 * whose partitions are written at the same time.
 */
final class SharedContest implements AutoCloseable {
  private static final int PER_TRANSACTION = 100;

  private static final int SEVERAL = 2;

  /** Partitions, and so writers at work, of each contender. */
  private static final List<Integer> WRITERS = List.of(1, SEVERAL);

  private final Lab lab;
  private final String name;
  private final int changes;
  private final int rounds;
  private final Admin admin;
  private final Restoring restoring;
  private final Map<Integer, LoneTable> tables = new LinkedHashMap<>();

  /** Makes the lab again as it was. */
  private interface Restoring {
    void run() throws IOException;
  }

  /**
   * @param name also what the writers are
   */
  private SharedContest(Lab lab, String name, int changes, int rounds, Restoring restoring)
      throws Exception {
    this.restoring = restoring;
    this.lab = lab;
    this.name = name;
    this.changes = changes;
    this.rounds = rounds;
    admin = Admin.create(Map.of("bootstrap.servers", lab.brokers()));
    for (int writers : WRITERS) {
      admin
          .createTopics(
              List.of(new NewTopic(topic(writers), Optional.of(writers), Optional.empty())))
          .all()
          .get();
      tables.put(writers, LoneTable.of(lab, table(writers), (long) changes * rounds));
    }
  }

  /** Sessions of one instance. */
  static SharedContest sessions(Lab lab, int changes, int rounds) throws Exception {
    lab.applyWith(SEVERAL);
    return new SharedContest(lab, "sessions", changes, rounds, () -> lab.applyWith(1));
  }

  /** Instances with a session each. */
  static SharedContest instances(Lab lab, int changes, int rounds) throws Exception {
    lab.addInstance();
    return new SharedContest(lab, "instances", changes, rounds, lab::removeInstance);
  }

  private String table(int writers) {
    return "written_by_%s_%d".formatted(name, writers);
  }

  private String topic(int writers) {
    return lab.tidemark().topics() + table(writers);
  }

  Contest contest() {
    Map<String, Contender> contenders = new LinkedHashMap<>();
    for (int writers : WRITERS) {
      contenders.put(name + " at work: " + writers, () -> apply(writers));
    }
    return new Contest(
        name,
        "%,d changes, transactions of %d, applied alone".formatted(changes, PER_TRANSACTION),
        List.of(Figure.rate("changes/s")),
        contenders);
  }

  private Map<String, Double> apply(int writers) throws Exception {
    Follower follower = lab.tidemark();
    LoneTable table = tables.get(writers);
    follower.writer().hold();
    table.load(earlier -> load(table, earlier).run(lab.source()));
    awaitCaptured(follower);
    Map<TopicPartition, Long> ends = ends(writers);
    long started = System.nanoTime();
    follower.writer().release();
    Patience patience = new Patience("changes of " + table.name());
    while (!isApplied(ends)) {
      patience.step(10);
    }
    double seconds = (System.nanoTime() - started) / 1e9;
    table.requireEqual();
    return Map.of("rate", changes / seconds);
  }

  private Load load(LoneTable table, int earlier) {
    return Load.after(earlier, rounds, List.of(table.name()), Mix.ALL, changes, PER_TRANSACTION);
  }

  private void awaitCaptured(Follower follower) throws Exception {
    String end = TestStack.text(lab.source(), "select pg_current_wal_insert_lsn()");
    String isWritten =
        "select bool_and(confirmed_flush_lsn >= '%s') from pg_replication_slots where slot_name like '%s'"
            .formatted(end, follower.slot());
    Patience patience = new Patience("changes in the topic");
    while (!TestStack.text(lab.source(), isWritten).equals("t")) {
      // So that there is something to confirm.
      TestStack.execute(lab.source(), "select pg_logical_emit_message(true, 'bench', '')");
      patience.step(100);
    }
  }

  private Map<TopicPartition, Long> ends(int writers) throws Exception {
    Map<TopicPartition, OffsetSpec> latest =
        IntStream.range(0, writers)
            .mapToObj(number -> new TopicPartition(topic(writers), number))
            .collect(Collectors.toMap(partition -> partition, partition -> OffsetSpec.latest()));
    return admin.listOffsets(latest).all().get().entrySet().stream()
        .collect(Collectors.toMap(Map.Entry::getKey, one -> one.getValue().offset()));
  }

  /** The last record of each partition is a transaction's marker, which holds no change. */
  private boolean isApplied(Map<TopicPartition, Long> ends) {
    return ends.entrySet().stream()
        .allMatch(
            one ->
                TestStack.text(
                        lab.target(),
                        """
                        select bool_and(next_offset >= %d) from tidemark.applied_position
                        where topic = '%s' and partition = %d
                        """
                            .formatted(
                                one.getValue() - 1, one.getKey().topic(), one.getKey().partition()))
                    .equals("t"));
  }

  @Override
  public void close() throws IOException {
    admin.close();
    lab.forget(tables.values().stream().map(LoneTable::name).toList());
    restoring.run();
  }
}
