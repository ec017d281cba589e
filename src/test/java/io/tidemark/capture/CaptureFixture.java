package io.tidemark.capture;

import io.tidemark.Await;
import io.tidemark.TestSessions;
import io.tidemark.TestStack;
import io.tidemark.change.Backoff;
import io.tidemark.change.Change;
import io.tidemark.change.ChangeJson;
import io.tidemark.change.Row;
import io.tidemark.change.TableName;
import io.tidemark.change.TableSchema;
import io.tidemark.change.TableSchemaJson;
import io.tidemark.change.TopicName;
import io.tidemark.postgres.Lsn;
import io.tidemark.postgres.PgDatabase;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.UUID;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.ListTransactionsOptions;
import org.apache.kafka.clients.admin.TransactionListing;
import org.apache.kafka.clients.admin.TransactionState;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.jspecify.annotations.Nullable;

/** One source database and one topic prefix of its own, on servers that all tests share. */
final class CaptureFixture implements AutoCloseable {
  static final String CONNECTION = "Main-1";

  /** Held, since loggers are forgotten otherwise: what libraries say drowns a failure. */
  private static final List<Logger> QUIET =
      Stream.of("io.debezium", "org.apache.kafka", "kafka", "state")
          .map(Logger::getLogger)
          .peek(logger -> logger.setLevel(Level.SEVERE))
          .toList();

  private static final int LOOKS = 4;

  final PgDatabase source;
  final String prefix;
  final CaptureSettings settings;
  final Map<String, Object> clients;
  final List<ChangeTracker> trackers = new ArrayList<>();

  CaptureFixture() throws SQLException {
    this(1);
  }

  CaptureFixture(int partitions) throws SQLException {
    this.source = new PgDatabase(CONNECTION, TestStack.database("source").url(), null, null);
    this.prefix = "t" + UUID.randomUUID().toString().substring(0, 8);
    this.settings = settings(prefix, partitions);
    this.clients = TestStack.kafka();
  }

  static CaptureSettings settings(String prefix, int partitions) {
    return new CaptureSettings(
        prefix,
        "",
        "0.1",
        partitions,
        OptionalInt.of(1),
        Duration.ofDays(1),
        Map.of(),
        Duration.ofSeconds(1),
        new Backoff(Duration.ofMillis(20), Duration.ofMillis(300)),
        Duration.ofSeconds(30));
  }

  /** Another instance of Tidemark. */
  ChangeTracker tracker() {
    ChangeTracker tracker =
        new ChangeTracker(settings, clients, Clock.systemUTC(), new SplittableRandom());
    trackers.add(tracker);
    return tracker;
  }

  /** An instance that captures these tables. */
  ChangeTracker tracking(TableName... tables) {
    ChangeTracker tracker = tracker();
    tracker.start(source);
    for (TableName table : tables) {
      tracker.ensureTracked(source, table, () -> true);
    }
    return tracker;
  }

  CaptureNames names() {
    return CaptureNames.of(settings, CONNECTION);
  }

  void execute(String... statements) throws SQLException {
    TestSessions.with(
        source,
        statement -> {
          // On purpose neither the machine's zone nor the walsender's.
          statement.execute("set time zone 'Asia/Kolkata'");
          for (String sql : statements) {
            statement.execute(sql);
          }
          return statements.length;
        });
  }

  String query(String sql) throws SQLException {
    return TestSessions.with(
        source,
        statement -> {
          ResultSet row = statement.executeQuery(sql);
          return row.next() ? String.valueOf(row.getString(1)) : "";
        });
  }

  /** Waits until somebody at the source has asked the same several times more. */
  void awaitLooks(String question) {
    // A statement is on record as it was sent, over several lines.
    String last =
        """
        select coalesce(max(query_start)::text, '')
        from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()
          and regexp_replace(query, '\\s+', ' ', 'g') like '%s%%'
        """
            .formatted(question);
    Set<String> looks = new HashSet<>();
    Await.until(
        () -> {
          looks.add(query(last));
          return looks.size();
        },
        seen -> seen > LOOKS);
  }

  long now() throws SQLException {
    return Lsn.parse(query("select pg_current_wal_insert_lsn()::text"));
  }

  /**
   * Waits until everything committed so far is in the topics: as long as the capture gets ahead,
   * since kills under load leave it a backlog of any size.
   */
  void settle(ChangeTracker tracker) throws SQLException {
    CaptureWaits.untilWritten(tracker, source, now());
  }

  /** A record of a change topic. */
  record Read(Change change, @Nullable Row key, int partition, long offset) {}

  /** Every committed record of the table's topic, in the order of each partition. */
  List<Read> read(TableName table) throws IOException {
    ChangeJson.Reader json = new ChangeJson.Reader(CONNECTION);
    List<Read> all = new ArrayList<>();
    for (ConsumerRecord<byte[], byte[]> record : records(TopicName.of(prefix, CONNECTION, table))) {
      Change change =
          json.change(
              record.value(),
              header(record, ChangeJson.OLD_KEY_HEADER),
              header(record, ChangeJson.NEW_KEY_HEADER));
      Row key = record.key() == null ? null : json.key(record.key());
      all.add(new Read(change, key, record.partition(), record.offset()));
    }
    return all;
  }

  /** Every committed schema by the key of its record. */
  Map<String, TableSchema> schemas() throws IOException {
    Map<String, TableSchema> schemas = new LinkedHashMap<>();
    for (ConsumerRecord<byte[], byte[]> record : records(TopicName.schemasOf(prefix, CONNECTION))) {
      String id = new String(record.key(), StandardCharsets.UTF_8);
      schemas.put(id, TableSchemaJson.read(record.value()));
    }
    return schemas;
  }

  /** Every committed record of a topic. */
  List<ConsumerRecord<byte[], byte[]>> records(String topic) {
    awaitMarkers();
    List<ConsumerRecord<byte[], byte[]>> all = new ArrayList<>();
    try (KafkaConsumer<byte[], byte[]> consumer = consumer()) {
      List<TopicPartition> partitions =
          consumer.partitionsFor(topic).stream()
              .map((PartitionInfo info) -> new TopicPartition(topic, info.partition()))
              .toList();
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
      while (partitions.stream().anyMatch(one -> consumer.position(one) < ends.get(one))) {
        consumer.poll(Duration.ofMillis(100)).forEach(all::add);
      }
    }
    return all;
  }

  /**
   * Waits until the partitions know of every transaction that has ended: a commit is answered once
   * it is certain, and a committed reader sees its records a moment later.
   */
  private void awaitMarkers() {
    ListTransactionsOptions ending =
        new ListTransactionsOptions()
            .filterStates(List.of(TransactionState.PREPARE_COMMIT, TransactionState.PREPARE_ABORT));
    try (Admin admin = Admin.create(clients)) {
      Await.until(
          () ->
              admin.listTransactions(ending).all().get().stream()
                  .map(TransactionListing::transactionalId)
                  .filter(id -> id.startsWith(prefix))
                  .toList(),
          List::isEmpty);
    }
  }

  /** A reader of committed records, in no group. */
  KafkaConsumer<byte[], byte[]> consumer() {
    Map<String, Object> config =
        Map.of(
            "bootstrap.servers",
            clients.get("bootstrap.servers"),
            "isolation.level",
            "read_committed",
            "max.partition.fetch.bytes",
            128 << 20,
            "fetch.max.bytes",
            128 << 20);
    return new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer());
  }

  private static byte @Nullable [] header(ConsumerRecord<byte[], byte[]> record, String name) {
    var header = record.headers().lastHeader(name);
    return header == null ? null : header.value();
  }

  @Override
  public void close() {
    try {
      trackers.forEach(ChangeTracker::close);
    } finally {
      TestStack.dropSlots(source);
    }
  }

  /** Has the broker refuse larger batches of records in a table's topic. */
  void limitRecords(TableName table, int bytes) throws Exception {
    ConfigResource topic =
        new ConfigResource(ConfigResource.Type.TOPIC, TopicName.of(prefix, CONNECTION, table));
    AlterConfigOp limit =
        new AlterConfigOp(
            new ConfigEntry("max.message.bytes", String.valueOf(bytes)), AlterConfigOp.OpType.SET);
    try (Admin admin = Admin.create(clients)) {
      admin.incrementalAlterConfigs(Map.of(topic, List.of(limit))).all().get();
    }
  }
}
