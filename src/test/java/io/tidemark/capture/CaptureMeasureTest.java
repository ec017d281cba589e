package io.tidemark.capture;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.Background;
import io.tidemark.change.Change;
import io.tidemark.change.ChangeJson;
import io.tidemark.change.TableName;
import io.tidemark.change.TopicName;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Figures, with source, broker and capture on one machine. Run with -Xmx512m. */
@Tag("soak")
@Tag("engine")
class CaptureMeasureTest {
  private static final TableName T = new TableName("public", "t");

  @Test
  void delayFromCommitToTopic() throws Exception {
    try (CaptureFixture fixture = new CaptureFixture()) {
      fixture.execute("create table t (id int primary key, v text)");
      ChangeTracker tracker = fixture.tracking(T);
      fixture.settle(tracker);
      delays(fixture, 500, 3000);
      long[] delays = delays(fixture, 500, 10000);
      System.out.printf(
          "500 tps: p50 %.1f ms, p90 %.1f, p99 %.1f, max %.1f%n",
          at(delays, 0.5), at(delays, 0.9), at(delays, 0.99), at(delays, 1));
      delays = delays(fixture, 5, 100);
      System.out.printf(
          "5 tps: p50 %.1f ms, p99 %.1f, max %.1f%n",
          at(delays, 0.5), at(delays, 0.99), at(delays, 1));
    }
  }

  private static double at(long[] sorted, double quantile) {
    return sorted[(int) Math.min(sorted.length - 1, sorted.length * quantile)] / 1e6;
  }

  private static int next = 0;

  private static long[] delays(CaptureFixture fixture, int perSecond, int count) throws Exception {
    int first = next;
    next += count;
    long[] committed = new long[count];
    long[] delays = new long[count];
    CompletableFuture<Void> reader =
        CompletableFuture.runAsync(
            () -> follow(fixture, first, count, committed, delays), Background.THREADS);
    Thread.sleep(1000);
    try (Connection connection = fixture.source.open("load");
        PreparedStatement insert = connection.prepareStatement("insert into t values (?, 'v')")) {
      long start = System.nanoTime();
      for (int i = 0; i < count; i++) {
        long due = start + i * 1_000_000_000L / perSecond;
        while (System.nanoTime() < due) {
          Thread.sleep(0, 200_000);
        }
        insert.setInt(1, first + i);
        insert.execute();
        committed[i] = System.nanoTime();
      }
    }
    reader.get();
    Arrays.sort(delays);
    return delays;
  }

  private static void follow(
      CaptureFixture fixture, int first, int count, long[] committed, long[] delays) {
    Map<String, Object> config = new HashMap<>(fixture.clients);
    config.put("isolation.level", "read_committed");
    ChangeJson.Reader json = new ChangeJson.Reader(CaptureFixture.CONNECTION);
    try (KafkaConsumer<byte[], byte[]> consumer =
        new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      TopicPartition partition =
          new TopicPartition(TopicName.of(fixture.prefix, CaptureFixture.CONNECTION, T), 0);
      consumer.assign(List.of(partition));
      consumer.seekToEnd(List.of(partition));
      consumer.position(partition);
      int seen = 0;
      while (seen < count) {
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofSeconds(1))) {
          int id = Integer.parseInt(json.key(record.key()).value(0));
          long at = committed[id - first];
          // Seen before the committing session heard of it: no delay that could be measured.
          delays[id - first] = at == 0 ? 0 : Math.max(0, System.nanoTime() - at);
          seen++;
        }
      }
    } catch (java.io.IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  @Test
  void idleCpu() throws Exception {
    try (CaptureFixture fixture = new CaptureFixture()) {
      fixture.execute("create table t (id int primary key, v text)");
      ChangeTracker tracker = fixture.tracking(T);
      fixture.settle(tracker);
      Thread.sleep(5000);
      Map<String, Long> before = cpu();
      long wall = System.nanoTime();
      Thread.sleep(20_000);
      double seconds = (System.nanoTime() - wall) / 1e9;
      Map<String, Long> after = cpu();
      double capture = 0;
      double all = 0;
      for (var one : after.entrySet()) {
        double percent = (one.getValue() - before.getOrDefault(one.getKey(), 0L)) / seconds / 1e7;
        all += percent;
        if (one.getKey().matches(".*(debezium|tidemark|pool-|capture|producer).*")) {
          capture += percent;
          if (percent > 0.05) {
            System.out.printf("  idle %.2f%% %s%n", percent, one.getKey());
          }
        }
      }
      System.out.printf("idle: capture %.2f%% of a core, whole process %.2f%%%n", capture, all);
    }
  }

  private static Map<String, Long> cpu() {
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    Map<String, Long> times = new HashMap<>();
    for (long id : threads.getAllThreadIds()) {
      var info = threads.getThreadInfo(id);
      if (info != null) {
        times.merge(info.getThreadName(), threads.getThreadCpuTime(id), Long::sum);
      }
    }
    return times;
  }

  @Test
  void aMillionRowsInOneTransaction() throws Exception {
    try (CaptureFixture fixture = new CaptureFixture()) {
      fixture.execute(
          "create table t (id int primary key, a text, b numeric, c timestamptz, d bool, e int)");
      ChangeTracker tracker = fixture.tracking(T);
      fixture.execute("insert into t select i, 'w' from generate_series(-20000, -1) i");
      fixture.settle(tracker);

      fixture.execute(
          "insert into t select i, md5(i::text), i / 7.0, now(), true, i"
              + " from generate_series(1, 1000000) i");
      long start = System.nanoTime();
      fixture.settle(tracker);

      double seconds = (System.nanoTime() - start) / 1e9;
      System.out.printf(
          "1M rows in one transaction: %.1f s, %.0f changes/s%n", seconds, 1e6 / seconds);
      assertThat(tracker.captures().get(0).changesWritten()).isEqualTo(1_020_000);
    }
  }

  @Test
  void largeValues() throws Exception {
    try (CaptureFixture fixture = new CaptureFixture()) {
      fixture.execute("create table t (id int primary key, v text)");
      ChangeTracker tracker = fixture.tracking(T);
      for (int i = 0; i < 10; i++) {
        fixture.execute("insert into t select " + i + ", repeat('0123456789', 1000000)");
      }
      fixture.settle(tracker);

      List<CaptureFixture.Read> read = fixture.read(T);
      assertThat(read).hasSize(10);
      assertThat(((Change.Insert) read.get(9).change()).after().value(1)).hasSize(10_000_000);
    }
  }

  @Test
  void aValueOfAHundredMegabytes() throws Exception {
    try (CaptureFixture fixture = new CaptureFixture()) {
      fixture.execute("create table t (id int primary key, v text)");
      ChangeTracker tracker = fixture.tracking(T);
      fixture.execute("insert into t select 1, repeat('0123456789', 10000000)");
      fixture.settle(tracker);
      assertThat(tracker.captures().get(0).changesWritten()).isEqualTo(1);
    }
  }
}
