package io.tidemark.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tidemark.embedded.EmbeddedStack.Part;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.common.config.ConfigResource;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What clients find on a running stack. */
@Tag("database")
class EmbeddedStackTest {

  @TempDir(factory = TargetTempDirectory.class)
  private static Path directory;

  private static EmbeddedStack stack;

  @BeforeAll
  static void start() {
    stack = EmbeddedStack.start(new EmbeddedSettings(directory, 0, 0), EnumSet.allOf(Part.class));
  }

  @AfterAll
  static void stop() {
    if (stack != null) {
      stack.close();
    }
  }

  private static EmbeddedDatabase postgres() {
    return stack.postgres().orElseThrow();
  }

  private static EmbeddedBroker kafka() {
    return stack.kafka().orElseThrow();
  }

  @Test
  void postgresRunsWithTheSettingsThatKeepAndTrackCommits() throws SQLException {
    Map<String, String> promised =
        new TreeMap<>(
            Map.ofEntries(
                Map.entry("fsync", "on"),
                Map.entry("synchronous_commit", "on"),
                Map.entry("full_page_writes", "on"),
                Map.entry("wal_level", "logical"),
                Map.entry("track_commit_timestamp", "on"),
                Map.entry("listen_addresses", "127.0.0.1"),
                Map.entry("unix_socket_directories", ""),
                Map.entry("max_connections", "200"),
                Map.entry("max_replication_slots", "32"),
                Map.entry("max_wal_senders", "32"),
                Map.entry("max_prepared_transactions", "16"),
                Map.entry("wal_sender_timeout", "5min"),
                Map.entry("shared_buffers", "256MB"),
                Map.entry("max_wal_size", "4GB"),
                Map.entry("server_encoding", "UTF8"),
                Map.entry("password_encryption", "scram-sha-256")));

    Map<String, String> found = new TreeMap<>();
    for (String name : promised.keySet()) {
      found.put(name, Probe.query(url(), "show " + name).get(0));
    }

    assertThat(found).isEqualTo(promised);
    // Clients bring a time zone of their own; this is the one of those that do not.
    assertThat(
            Probe.query(
                url(), "select setting from pg_file_settings where name = 'timezone' and applied"))
        .containsExactly("UTC");
  }

  @Test
  void roleMayReplicateAndOwnsTheThreeDatabases() throws SQLException {
    List<String> rights =
        Probe.query(
            url(), "select rolsuper and rolreplication from pg_roles where rolname = 'tidemark'");
    List<String> databases =
        Probe.query(
            url(),
            "select datname from pg_database where not datistemplate and datname <> 'postgres'"
                + " order by datname");

    assertThat(rights).containsExactly("t");
    assertThat(databases).contains("source", "target", "tidemark");
  }

  @Test
  void wrongPasswordIsRefused() {
    String wrong = url().replace("password=tidemark", "password=wrong");

    assertThatThrownBy(() -> DriverManager.getConnection(wrong).close())
        .isInstanceOfSatisfying(
            SQLException.class, e -> assertThat(e.getSQLState()).isEqualTo("28P01"));
  }

  @Test
  void createdDatabaseIsReadyAndCreatingItAgainKeepsIt() throws SQLException {
    String url = postgres().createDatabase("scratch");
    Probe.execute(url, "create table kept (id int primary key)");

    String again = postgres().createDatabase("scratch");

    assertThat(again).isEqualTo(url);
    assertThat(Probe.query(again, "select count(*) from kept")).containsExactly("0");
  }

  @Test
  void brokerFlushesEachAppendAndIsNeverFencedWhileItRuns()
      throws ExecutionException, InterruptedException {
    Map<String, String> promised =
        Map.of(
            "log.flush.interval.messages", "1",
            "auto.create.topics.enable", "false",
            "broker.session.timeout.ms", Integer.toString(Integer.MAX_VALUE),
            "controlled.shutdown.enable", "false",
            "message.max.bytes", "134217728",
            "offsets.topic.num.partitions", "8",
            "transaction.state.log.num.partitions", "4");

    Map<String, String> found = new TreeMap<>();
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", kafka().bootstrapServers()))) {
      ConfigResource broker = new ConfigResource(ConfigResource.Type.BROKER, "1");
      Config config = admin.describeConfigs(List.of(broker)).all().get().get(broker);
      promised.keySet().forEach(name -> found.put(name, config.get(name).value()));
    }

    assertThat(found).isEqualTo(promised);
    assertThat(kafka().failure()).isEmpty();
    assertThat(postgres().failure()).isEmpty();
  }

  @Test
  void recordOfThirtyMegabytesPasses() throws ExecutionException, InterruptedException {
    byte[] value = new byte[30 * 1024 * 1024];
    Probe.createTopic(kafka().bootstrapServers(), "large");

    Probe.commit(kafka().bootstrapServers(), "large", value);

    assertThat(Probe.read(kafka().bootstrapServers(), "large", 1))
        .singleElement()
        .satisfies(read -> assertThat(read).hasSize(value.length));
  }

  @Test
  void secondStartOnTheDirectoryIsRefusedAndSaysWhoHoldsIt() throws Exception {
    String holder = Long.toString(ProcessHandle.current().pid());

    try (ForkedStack second = ForkedStack.start(directory, Part.POSTGRES)) {
      assertThat(second.answer())
          .startsWith(EmbeddedMain.REFUSED)
          .contains(directory.toString(), "process " + holder, "tidemark.data-dir");
    }
    assertThatThrownBy(
            () ->
                EmbeddedStack.start(
                    new EmbeddedSettings(directory, 0, 0), EnumSet.of(Part.POSTGRES)))
        .isInstanceOf(EmbeddedStackException.class)
        .hasMessageContainingAll(directory.toString(), holder, "tidemark.data-dir");
    assertThat(Probe.query(url(), "select 1")).containsExactly("1");
  }

  @Test
  void portInUseIsNamedWithItsSettingAndNothingKeepsRunning(
      @TempDir(factory = TargetTempDirectory.class) Path other) {
    EmbeddedSettings postgresTaken = new EmbeddedSettings(other, postgres().port(), 0);
    EmbeddedSettings kafkaTaken = new EmbeddedSettings(other, 0, kafka().port());

    assertThatThrownBy(() -> EmbeddedStack.start(postgresTaken, EnumSet.of(Part.POSTGRES)))
        .isInstanceOf(EmbeddedStackException.class)
        .hasMessageContainingAll(
            "Port " + postgres().port(), "tidemark.embedded.postgres-port", "PostgreSQL");
    assertThatThrownBy(() -> EmbeddedStack.start(kafkaTaken, EnumSet.allOf(Part.class)))
        .isInstanceOf(EmbeddedStackException.class)
        .hasMessageContainingAll("Port " + kafka().port(), "tidemark.embedded.kafka-port", "Kafka");

    assertThat(other.resolve("postgres/PG_VERSION")).exists();
    assertThat(other.resolve("postgres/postmaster.pid")).doesNotExist();
  }

  @Test
  void addressesAreCompleteAndDataLivesInTheDirectory() {
    assertThat(url())
        .isEqualTo(
            "jdbc:postgresql://127.0.0.1:%d/source?user=tidemark&password=tidemark"
                .formatted(postgres().port()));
    assertThat(kafka().bootstrapServers()).isEqualTo("127.0.0.1:" + kafka().port());
    assertThat(Files.isDirectory(directory.resolve("kafka"))).isTrue();
    assertThat(Files.isDirectory(directory.resolve("postgres"))).isTrue();
  }

  private static String url() {
    return postgres().jdbcUrl(EmbeddedDatabase.SOURCE);
  }
}
