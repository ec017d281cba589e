package io.tidemark.process;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.change.Change;
import io.tidemark.change.ChangeJson;
import io.tidemark.change.Row;
import io.tidemark.change.SourcePosition;
import io.tidemark.postgres.PgDatabase;
import java.io.IOException;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.ToIntFunction;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Reads the topics of the four tables as any other consumer would, and compares them with the
 * source. Each transaction writes one row of each table, and its history row says what it did: so a
 * lost change, a doubled one or one out of order breaks the chain of some balance.
 */
final class TpcbAudit implements AutoCloseable {
  /** A transaction, as its row in the history has it. */
  private record Transaction(int account, int teller, int branch, int delta) {}

  private final KafkaConsumer<byte[], byte[]> consumer;
  private final PgDatabase source;
  private final ChangeJson.Reader json = new ChangeJson.Reader("source");

  TpcbAudit(String bootstrapServers, PgDatabase source) {
    this.source = source;
    consumer =
        new KafkaConsumer<>(
            Map.of("bootstrap.servers", bootstrapServers, "isolation.level", "read_committed"),
            new ByteArrayDeserializer(),
            new ByteArrayDeserializer());
  }

  /** The source is quiet, and all of it has arrived. */
  void assertEachChangeOnce() throws IOException, SQLException {
    Map<Long, Transaction> byCommit = readHistory();
    assertChain("pgbench_accounts", byCommit, Transaction::account);
    assertChain("pgbench_tellers", byCommit, Transaction::teller);
    assertChain("pgbench_branches", byCommit, Transaction::branch);
    System.out.println("each of " + byCommit.size() + " transactions once in four topics");
  }

  /** Each row of the history once, as the source has it; answered by its commit. */
  private Map<Long, Transaction> readHistory() throws IOException, SQLException {
    Map<Long, Transaction> missing = new HashMap<>();
    query(
        "select id, aid, tid, bid, delta from pgbench_history",
        row ->
            missing.put(
                row.getLong(1),
                new Transaction(row.getInt(2), row.getInt(3), row.getInt(4), row.getInt(5))));
    Map<Long, Transaction> byCommit = new HashMap<>();
    read(
        TpcbTables.HISTORY,
        change -> {
          assertThat(change).isInstanceOf(Change.Insert.class);
          Row row = ((Change.Insert) change).after();
          Transaction told =
              new Transaction(
                  number(row, "aid"), number(row, "tid"), number(row, "bid"), number(row, "delta"));
          // A row that came twice has been removed before, so it is found out here too.
          assertThat(missing.remove(Long.parseLong(value(row, "id")))).isEqualTo(told);
          assertThat(byCommit.put(change.position().commitLsn(), told)).isNull();
        });
    assertThat(missing).as("history rows that are not in the topic").isEmpty();
    return byCommit;
  }

  /** One update for each transaction, and each balance comes from the one before. */
  private void assertChain(
      String table, Map<Long, Transaction> byCommit, ToIntFunction<Transaction> keyOf)
      throws IOException, SQLException {
    Map<Long, Transaction> missing = new HashMap<>(byCommit);
    Map<Integer, Integer> balances = new HashMap<>();
    String letter = table.substring("pgbench_".length()).substring(0, 1);
    String key = letter + "id";
    String balance = letter + "balance";
    read(
        table,
        change -> {
          assertThat(change).isInstanceOf(Change.Update.class);
          Row row = ((Change.Update) change).after();
          Transaction transaction = missing.remove(change.position().commitLsn());
          assertThat(transaction).as("the transaction at %s", change.position()).isNotNull();
          assertThat(number(row, key)).isEqualTo(keyOf.applyAsInt(transaction));
          int former = balances.getOrDefault(number(row, key), 0);
          assertThat(number(row, balance)).isEqualTo(former + transaction.delta());
          balances.put(number(row, key), number(row, balance));
        });
    assertThat(missing).as("transactions without a change in the topic of " + table).isEmpty();
    query(
        "select %s, %s from %s".formatted(key, balance, table),
        row -> assertThat(row.getInt(2)).isEqualTo(balances.getOrDefault(row.getInt(1), 0)));
  }

  private interface RowReader {
    void read(ResultSet row) throws SQLException;
  }

  private void query(String sql, RowReader reader) throws SQLException {
    try (Connection connection = source.open("audit")) {
      connection.setAutoCommit(false);
      try (Statement statement = connection.createStatement()) {
        statement.setFetchSize(10_000);
        try (ResultSet row = statement.executeQuery(sql)) {
          while (row.next()) {
            reader.read(row);
          }
        }
      }
    }
  }

  /** All committed changes of a table, in the topic's order, which must be the source's. */
  private void read(String table, Consumer<Change> reader) throws IOException {
    TopicPartition topic = new TopicPartition("tidemark.source.public." + table, 0);
    consumer.assign(List.of(topic));
    consumer.seekToBeginning(List.of(topic));
    long end = consumer.endOffsets(List.of(topic)).get(topic);
    SourcePosition last = SourcePosition.START;
    while (consumer.position(topic) < end) {
      for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofSeconds(1))) {
        Change change = json.change(record.value(), null, null);
        assertThat(change.position()).isGreaterThan(last);
        last = change.position();
        reader.accept(change);
      }
    }
  }

  private static int number(Row row, String column) {
    return Integer.parseInt(value(row, column));
  }

  private static String value(Row row, String column) {
    return String.valueOf(row.value(row.shape().indexOf(column)));
  }

  @Override
  public void close() {
    consumer.close();
  }
}
