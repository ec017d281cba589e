package io.tidemark.process;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.TestStack;
import io.tidemark.change.Change;
import io.tidemark.change.ChangeJson;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The packaged program as its users run it: REST in, rows out, killed in between. */
@Tag("process")
final class PipelineIT {

  private static final AtomicInteger directories = new AtomicInteger();

  @Test
  void demoOnceEndsWithSourceEqualToTarget(TestInfo test) throws Exception {
    try (TidemarkProcess tidemark = new TidemarkProcess(directory(test))) {
      int exit = tidemark.run("demo", "--once");

      assertThat(exit).as(tidemark.log()).isZero();
      assertThat(tidemark.log()).contains("source = target");
    }
  }

  @Test
  void saysWhatItIsAndRefusesUnknownCommands(TestInfo test) throws Exception {
    try (TidemarkProcess tidemark = new TidemarkProcess(directory(test))) {
      assertThat(tidemark.run("--help")).isZero();
      assertThat(tidemark.run("--version")).isZero();
      assertThat(tidemark.run("dance")).isEqualTo(2);

      assertThat(tidemark.log()).contains("demo", "check", "tidemark 0.", "dance");
    }
  }

  @ParameterizedTest
  @CsvSource({"1, 1", "3, 2"})
  void losesAndDoublesNothingWhenKilledUnderLoad(int partitions, int sessions, TestInfo test)
      throws Exception {
    killUnderLoad(partitions, sessions, 2, test);
  }

  @ParameterizedTest
  @CsvSource({"1, 1", "3, 2"})
  @Tag("soak")
  void losesAndDoublesNothingHoweverOftenKilled(int partitions, int sessions, TestInfo test)
      throws Exception {
    killUnderLoad(partitions, sessions, 20, test);
  }

  private static void killUnderLoad(int partitions, int sessions, int kills, TestInfo test)
      throws Exception {
    long seed = System.nanoTime();
    System.out.println("seed " + seed);
    SplittableRandom random = new SplittableRandom(seed);
    try (TidemarkProcess tidemark =
        new TidemarkProcess(
            directory(test),
            Map.of(
                "tidemark.topics.partitions", "" + partitions,
                "tidemark.apply.sessions", "" + sessions))) {
      tidemark.serve();
      Accounts tables = new Accounts(tidemark, "public");
      tables.keep();
      for (int kill = 0; kill < kills; kill++) {
        try (Accounts.Load load = tables.load(random.split())) {
          load.untilWritten(150 + random.nextInt(400));
          tidemark.kill();
        }
        tidemark.serve();
      }

      tables.awaitEqual("accounts");
      tables.awaitEqual("history");
      assertEachHistoryRowOnceInTopic(tidemark);
    }
  }

  private static Path directory(TestInfo test) {
    String name = test.getTestMethod().orElseThrow().getName();
    return Path.of(
        "target",
        "it",
        name + "-" + ProcessHandle.current().pid() + "-" + directories.incrementAndGet());
  }

  /** Reads the whole topic as any other consumer would. */
  private static void assertEachHistoryRowOnceInTopic(TidemarkProcess tidemark) throws IOException {
    Map<String, Integer> seen = new HashMap<>();
    ChangeJson.Reader reader = new ChangeJson.Reader("source");
    Map<String, Object> settings =
        Map.of(
            "bootstrap.servers", tidemark.bootstrapServers(),
            "isolation.level", "read_committed",
            "auto.offset.reset", "earliest",
            "key.deserializer", ByteArrayDeserializer.class.getName(),
            "value.deserializer", ByteArrayDeserializer.class.getName());
    try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(settings)) {
      List<TopicPartition> partitions =
          consumer.partitionsFor("tidemark.source.public.history").stream()
              .map(info -> new TopicPartition(info.topic(), info.partition()))
              .toList();
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
      while (partitions.stream().anyMatch(one -> consumer.position(one) < ends.get(one))) {
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofSeconds(1))) {
          Change change = reader.change(record.value(), null, null);
          assertThat(change).isInstanceOf(Change.Insert.class);
          seen.merge(String.valueOf(((Change.Insert) change).after().value(0)), 1, Integer::sum);
        }
      }
    }
    assertThat(seen.values()).as("times that a change is in the topic").containsOnly(1);
    // Rows from before the capture began are in the snapshot and not in the topic; there are none.
    assertThat(String.valueOf(seen.size()))
        .isEqualTo(TestStack.text(tidemark.database("source"), "select count(*) from history"));
  }
}
