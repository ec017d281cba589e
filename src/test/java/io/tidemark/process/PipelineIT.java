package io.tidemark.process;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.TestStack;
import io.tidemark.change.Change;
import io.tidemark.change.ChangeJson;
import io.tidemark.postgres.PgDatabase;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The packaged program as its users run it: REST in, rows out, killed in between. */
final class PipelineIT {
  private static final Duration CATCH_UP_MAX = Duration.ofMinutes(2);

  private static final AtomicInteger directories = new AtomicInteger();

  private static final String TABLE =
      """
      create table accounts (id bigint primary key, balance bigint not null, note text);
      create table history (id bigint primary key, account bigint not null, delta bigint not null)
      """;

  private static final String CONTENT =
      "select count(*) || ' ' || coalesce(md5(string_agg(md5(t::text), '' order by id)), '')"
          + " from %s t";

  @Test
  void demoOnceEndsWithSourceEqualToTarget(TestInfo test) throws Exception {
    try (TidemarkProcess tidemark = new TidemarkProcess(directory(test))) {
      int exit = tidemark.run(Duration.ofMinutes(4), "demo", "--once");

      assertThat(exit).as(tidemark.log()).isZero();
      assertThat(tidemark.log()).contains("source = target");
    }
  }

  @Test
  void saysWhatItIsAndRefusesUnknownCommands(TestInfo test) throws Exception {
    try (TidemarkProcess tidemark = new TidemarkProcess(directory(test))) {
      assertThat(tidemark.run(Duration.ofMinutes(1), "--help")).isZero();
      assertThat(tidemark.run(Duration.ofMinutes(1), "--version")).isZero();
      assertThat(tidemark.run(Duration.ofMinutes(1), "dance")).isEqualTo(2);

      assertThat(tidemark.log()).contains("demo", "check", "tidemark 0.", "dance");
    }
  }

  @ParameterizedTest
  @CsvSource({"1, 1", "3, 2"})
  void losesAndDoublesNothingWhenKilledUnderLoad(int partitions, int sessions, TestInfo test)
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
      createTables(tidemark);
      for (int kill = 0; kill < 3; kill++) {
        try (Load load = new Load(tidemark.database("source"), random.split())) {
          load.untilWritten(150 + random.nextInt(400));
          tidemark.kill();
        }
        tidemark.serve();
      }

      awaitEqual(tidemark, "accounts");
      awaitEqual(tidemark, "history");
      assertEachHistoryRowOnceInTopic(tidemark);
    }
  }

  @Test
  void fullResyncRepairsTheTargetWithoutStoppingTheStream(TestInfo test) throws Exception {
    try (TidemarkProcess tidemark = new TidemarkProcess(directory(test))) {
      tidemark.serve();
      createTables(tidemark);
      awaitEqual(tidemark, "accounts");
      TestStack.execute(
          tidemark.database("target"),
          "update accounts set note = 'strayed' where id < 50; delete from accounts where id = 77;"
              + " insert into accounts values (-5, 0, 'extra')");

      try (Load load = new Load(tidemark.database("source"), new SplittableRandom(7))) {
        load.untilWritten(100);
        String execution =
            id(
                tidemark
                    .post(
                        "/configurations/" + idOf(tidemark, "accounts") + "/execute",
                        "{\"mode\": \"full\"}")
                    .body());
        Awaitility.await()
            .atMost(CATCH_UP_MAX)
            .until(() -> status(tidemark, execution).equals("completed"));
        load.untilWritten(100);
      }

      awaitEqual(tidemark, "accounts");
    }
  }

  /**
   * Merges while the stream runs must find no row that differs, and so record no conflict: only
   * rows that the target lacks, and rows that it alone has.
   */
  @Test
  void mergeBesideTheStreamBringsWhatIsMissingAndKeepsWhatIsExtra(TestInfo test) throws Exception {
    try (TidemarkProcess tidemark = new TidemarkProcess(directory(test))) {
      tidemark.serve();
      String rows = "insert into accounts select g, 0, 'n' || g from generate_series(%d, %d) g";
      TestStack.execute(tidemark.database("source"), TABLE + "; " + rows.formatted(1, 1000));
      TestStack.execute(tidemark.database("target"), TABLE + "; " + rows.formatted(11, 1010));
      configure(tidemark, "accounts", "merge");
      Awaitility.await()
          .atMost(CATCH_UP_MAX)
          .until(() -> count(tidemark, "target", "accounts").equals("1010"));

      try (Load load = new Load(tidemark.database("source"), new SplittableRandom(7))) {
        load.untilWritten(100);
        for (int i = 0; i < 2; i++) {
          TestStack.execute(
              tidemark.database("target"), "delete from accounts where id between 501 and 600");
          String execution = execute(tidemark, "accounts", "merge");
          load.untilWritten(20);
          Awaitility.await()
              .atMost(CATCH_UP_MAX)
              .until(() -> !List.of("pending", "running").contains(status(tidemark, execution)));
          assertThat(tidemark.get("/executions/" + execution).body())
              .contains("\"status\":\"completed\"", "\"mode\":\"merge\"");
        }
        load.untilWritten(100);
      }

      Awaitility.await()
          .atMost(CATCH_UP_MAX)
          .untilAsserted(
              () ->
                  assertThat(contentUpTo1000(tidemark, "target"))
                      .isEqualTo(contentUpTo1000(tidemark, "source")));
      assertThat(count(tidemark, "target", "accounts")).isEqualTo("1010");
    }
  }

  private static String contentUpTo1000(TidemarkProcess tidemark, String database) {
    return content(tidemark, database, "(select * from accounts where id <= 1000)");
  }

  private static String count(TidemarkProcess tidemark, String database, String table) {
    return TestStack.text(tidemark.database(database), "select count(*) from " + table);
  }

  private static String execute(TidemarkProcess tidemark, String name, String mode)
      throws IOException {
    return id(
        tidemark
            .post(
                "/configurations/" + idOf(tidemark, name) + "/execute",
                "{\"mode\": \"%s\"}".formatted(mode))
            .body());
  }

  private static void configure(TidemarkProcess tidemark, String table, String strategy)
      throws IOException {
    var created =
        tidemark.post(
            "/configurations",
            """
            {"name": "%1$s", "source_table": "%1$s", "target_table": "%1$s",
             "sync_strategy": "%2$s"}
            """
                .formatted(table, strategy));
    assertThat(created.statusCode()).as(created.body()).isEqualTo(201);
  }

  @Test
  void incrementalOnDemandEndsWhenAllThatWasCommittedIsApplied(TestInfo test) throws Exception {
    try (TidemarkProcess tidemark = new TidemarkProcess(directory(test))) {
      tidemark.serve();
      createTables(tidemark);
      awaitEqual(tidemark, "accounts");
      TestStack.execute(tidemark.database("source"), "update accounts set balance = balance + 1");

      String execution =
          id(
              tidemark
                  .post("/configurations/" + idOf(tidemark, "accounts") + "/execute", "{}")
                  .body());
      Awaitility.await()
          .atMost(CATCH_UP_MAX)
          .until(() -> status(tidemark, execution).equals("completed"));

      assertThat(content(tidemark, "target", "accounts"))
          .isEqualTo(content(tidemark, "source", "accounts"));
    }
  }

  @Test
  void healthSaysWhatIsWrongAndTheStreamGoesOnOnceItIsMended(TestInfo test) throws Exception {
    try (TidemarkProcess tidemark = new TidemarkProcess(directory(test))) {
      tidemark.serve();
      createTables(tidemark);
      awaitEqual(tidemark, "accounts");
      assertThat(tidemark.ready().statusCode()).isEqualTo(200);

      TestStack.execute(tidemark.database("target"), "alter table accounts rename to away");
      TestStack.execute(tidemark.database("source"), "update accounts set balance = 5");
      Awaitility.await()
          .atMost(Duration.ofSeconds(30))
          .until(() -> tidemark.ready().statusCode() == 503);
      assertThat(tidemark.ready().body()).contains("accounts", "target", "check");
      TestStack.execute(tidemark.database("target"), "alter table away rename to accounts");

      awaitEqual(tidemark, "accounts");
      Awaitility.await()
          .atMost(Duration.ofSeconds(30))
          .until(() -> tidemark.ready().statusCode() == 200);
    }
  }

  private static Path directory(TestInfo test) {
    String name = test.getTestMethod().orElseThrow().getName();
    return Path.of(
        "target",
        "it",
        name + "-" + ProcessHandle.current().pid() + "-" + directories.incrementAndGet());
  }

  private static void createTables(TidemarkProcess tidemark) throws IOException {
    TestStack.execute(
        tidemark.database("source"),
        TABLE + "; insert into accounts select g, 0, 'n' || g from generate_series(1, 1000) g");
    TestStack.execute(tidemark.database("target"), TABLE);
    for (String table : List.of("accounts", "history")) {
      configure(tidemark, table, "incremental");
    }
  }

  private static void awaitEqual(TidemarkProcess tidemark, String table) {
    Awaitility.await()
        .atMost(CATCH_UP_MAX)
        .pollInterval(Duration.ofMillis(250))
        .untilAsserted(
            () ->
                assertThat(content(tidemark, "target", table))
                    .isEqualTo(content(tidemark, "source", table)));
  }

  private static String content(TidemarkProcess tidemark, String database, String table) {
    return TestStack.text(tidemark.database(database), CONTENT.formatted(table));
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

  private static String idOf(TidemarkProcess tidemark, String name) throws IOException {
    return id(tidemark.get("/configurations?name=" + name).body());
  }

  private static String status(TidemarkProcess tidemark, String execution) throws IOException {
    Matcher status =
        Pattern.compile("\"status\":\"([a-z]+)\"")
            .matcher(tidemark.get("/executions/" + execution).body());
    assertThat(status.find()).isTrue();
    return status.group(1);
  }

  private static String id(String json) {
    Matcher id = Pattern.compile("\"id\":\"([0-9a-f-]{36})\"").matcher(json);
    assertThat(id.find()).as(json).isTrue();
    return id.group(1);
  }

  /** Writes to the source until closed, or until the source goes away. */
  private static final class Load implements AutoCloseable {
    private final AtomicBoolean stopping = new AtomicBoolean();
    private final Thread thread;
    private volatile int written;

    Load(PgDatabase source, SplittableRandom random) {
      thread = new Thread(() -> write(source, random), "load");
      thread.start();
    }

    private void write(PgDatabase source, SplittableRandom random) {
      try (Connection connection = source.open("load");
          Statement statement = connection.createStatement()) {
        connection.setAutoCommit(false);
        while (!stopping.get()) {
          int account = 1 + random.nextInt(1000);
          int delta = random.nextInt(100);
          statement.execute(
              "update accounts set balance = balance + " + delta + " where id = " + account);
          statement.execute(
              "insert into history select coalesce(max(id), 0) + 1, "
                  + account
                  + ", "
                  + delta
                  + " from history");
          connection.commit();
          written++;
        }
      } catch (SQLException e) {
        // The embedded source goes with the process that is killed: that is what this load is for.
        stopping.set(true);
      }
    }

    void untilWritten(int more) {
      int until = written + more;
      Awaitility.await().atMost(Duration.ofMinutes(1)).until(() -> written >= until);
    }

    @Override
    public void close() {
      stopping.set(true);
      try {
        thread.join();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
