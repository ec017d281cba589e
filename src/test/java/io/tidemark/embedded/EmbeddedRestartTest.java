package io.tidemark.embedded;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tidemark.Await;
import io.tidemark.embedded.EmbeddedStack.Part;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What survives orderly stops, kills and half-finished first starts. */
@Tag("database")
class EmbeddedRestartTest {

  private static final String TOPIC = "changes";

  @TempDir(factory = TargetTempDirectory.class)
  private Path directory;

  @Test
  void dataAndPortsSurviveAnOrderlyRestartAndClosingTwiceDoesNothing() throws Exception {
    int postgresPort;
    int kafkaPort;
    try (EmbeddedStack first = start(Part.POSTGRES, Part.KAFKA)) {
      write(sourceOf(first), bootstrapOf(first));
      postgresPort = first.postgres().orElseThrow().port();
      kafkaPort = first.kafka().orElseThrow().port();

      Runnable close = first::close;
      close.run();

      assertThat(directory.resolve("tidemark.pid")).doesNotExist();
      assertThat(first.postgres().orElseThrow().failure()).isEmpty();
      assertThat(first.kafka().orElseThrow().failure()).isEmpty();
    }

    try (EmbeddedStack second = start(Part.POSTGRES, Part.KAFKA)) {
      assertWritten(sourceOf(second), bootstrapOf(second));
      assertThat(second.postgres().orElseThrow().port()).isEqualTo(postgresPort);
      assertThat(second.kafka().orElseThrow().port()).isEqualTo(kafkaPort);
    }
  }

  @Test
  void recoversAfterAKillThatLeavesTheDatabaseServerRunning() throws Exception {
    long orphan;
    try (ForkedStack forked = ForkedStack.start(directory, Part.POSTGRES, Part.KAFKA)) {
      orphan = postmasterPid();
      write(forked.jdbcUrl(), forked.bootstrapServers());
      // At once: the transaction is acknowledged, its markers are still on their way.
      forked.kill();
    }
    assertThat(isAlive(orphan)).isTrue();

    try (EmbeddedStack recovered = start(Part.POSTGRES, Part.KAFKA)) {
      // Stopped it is already; its number goes when its new parent collects it.
      Await.until(() -> !isAlive(orphan));
      assertWritten(sourceOf(recovered), bootstrapOf(recovered));
      Probe.commit(bootstrapOf(recovered), TOPIC, "after".getBytes(UTF_8));
      assertThat(Probe.read(bootstrapOf(recovered), TOPIC, 3)).hasSize(3);
    }
  }

  @Test
  void recoversFromFilesOfADeadServerEvenIfAStrangerHasItsNumber() throws Exception {
    try (ForkedStack forked = ForkedStack.start(directory, Part.POSTGRES)) {
      Probe.execute(forked.jdbcUrl(), "create table kept as select 7 as id");
      long postmaster = postmasterPid();
      forked.kill();
      killWithChildren(postmaster);
    }
    assertThat(directory.resolve("postgres/postmaster.pid")).exists();

    try (EmbeddedStack recovered = start(Part.POSTGRES)) {
      assertThat(Probe.query(sourceOf(recovered), "select id from kept")).containsExactly("7");
      killWithChildren(postmasterPid());
      assertThat(recovered.postgres().orElseThrow().failure())
          .hasValueSatisfying(reason -> assertThat(reason).contains("ended unexpectedly"));
    }

    Process stranger = new ProcessBuilder("sleep", "300").start();
    try {
      Path pidFile = directory.resolve("postgres/postmaster.pid");
      List<String> lines = new ArrayList<>(Files.readAllLines(pidFile));
      lines.set(0, Long.toString(stranger.pid()));
      Files.write(pidFile, lines);
      try (EmbeddedStack recovered = start(Part.POSTGRES)) {
        assertThat(Probe.query(sourceOf(recovered), "select id from kept")).containsExactly("7");
        assertThat(stranger.isAlive()).isTrue();
      }
    } finally {
      stranger.destroyForcibly();
    }
  }

  @Test
  void redoesAFirstStartThatWasCutOff() throws Exception {
    Path cluster = Files.createDirectories(directory.resolve("postgres.unfinished-1"));
    Files.writeString(cluster.resolve("PG_VERSION"), "18\n");
    Path log = Files.createDirectories(directory.resolve("kafka.unfinished-1"));
    Files.writeString(log.resolve("meta.properties"), "version=1\n");

    try (EmbeddedStack stack = start(Part.POSTGRES, Part.KAFKA)) {
      write(sourceOf(stack), bootstrapOf(stack));
      assertWritten(sourceOf(stack), bootstrapOf(stack));
    }

    assertThat(cluster).doesNotExist();
    assertThat(log).doesNotExist();
  }

  @Test
  void refusesDataOfAnotherRelease() throws IOException {
    Path cluster = Files.createDirectories(directory.resolve("postgres"));
    Files.writeString(cluster.resolve("PG_VERSION"), "17\n");
    Files.createDirectories(directory.resolve("kafka"));

    assertThatThrownBy(() -> start(Part.POSTGRES))
        .isInstanceOf(EmbeddedStackException.class)
        .hasMessageContainingAll(cluster.toString(), "'17'", "tidemark.data-dir");
    assertThatThrownBy(() -> start(Part.KAFKA))
        .isInstanceOf(EmbeddedStackException.class)
        .hasMessageContainingAll("meta.properties", "tidemark.data-dir");
  }

  @Test
  void startsOnlyWhatIsAskedFor() {
    try (EmbeddedStack stack = start(Part.POSTGRES)) {
      assertThat(stack.postgres()).isPresent();
      assertThat(stack.kafka()).isEmpty();
    }
    assertThat(directory.resolve("kafka")).doesNotExist();

    try (EmbeddedStack stack = start(Part.KAFKA)) {
      assertThat(stack.postgres()).isEmpty();
      assertThat(stack.kafka()).isPresent();
    }
    assertThat(directory.resolve("postgres/postmaster.pid")).doesNotExist();
  }

  private EmbeddedStack start(Part first, Part... rest) {
    return EmbeddedStack.start(new EmbeddedSettings(directory, 0, 0), EnumSet.of(first, rest));
  }

  private static String sourceOf(EmbeddedStack stack) {
    return stack.postgres().orElseThrow().jdbcUrl(EmbeddedDatabase.SOURCE);
  }

  private static String bootstrapOf(EmbeddedStack stack) {
    return stack.kafka().orElseThrow().bootstrapServers();
  }

  private static void write(String jdbcUrl, String bootstrapServers)
      throws SQLException, ExecutionException, InterruptedException {
    Probe.execute(jdbcUrl, "create table kept as select 42 as id");
    Probe.createTopic(bootstrapServers, TOPIC);
    Probe.commit(bootstrapServers, TOPIC, "one".getBytes(UTF_8), "two".getBytes(UTF_8));
  }

  private static void assertWritten(String jdbcUrl, String bootstrapServers) throws SQLException {
    assertThat(Probe.query(jdbcUrl, "select id from kept")).containsExactly("42");
    assertThat(Probe.read(bootstrapServers, TOPIC, 2))
        .containsExactly("one".getBytes(UTF_8), "two".getBytes(UTF_8));
  }

  private long postmasterPid() throws IOException {
    return Long.parseLong(
        Files.readAllLines(directory.resolve("postgres/postmaster.pid")).get(0).strip());
  }

  private static boolean isAlive(long pid) {
    return ProcessHandle.of(pid).filter(ProcessHandle::isAlive).isPresent();
  }

  private static void killWithChildren(long postmaster) {
    ProcessHandle server = ProcessHandle.of(postmaster).orElseThrow();
    List<ProcessHandle> children = server.children().toList();
    server.destroyForcibly();
    children.forEach(ProcessHandle::destroyForcibly);
    Await.until(() -> !server.isAlive() && children.stream().noneMatch(ProcessHandle::isAlive));
  }
}
