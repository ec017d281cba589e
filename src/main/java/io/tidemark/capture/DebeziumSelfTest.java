package io.tidemark.capture;

import io.debezium.config.Configuration;
import io.debezium.connector.postgresql.LogicalDecodingMessageMonitor;
import io.debezium.connector.postgresql.PostgresConnectorConfig;
import io.debezium.connector.postgresql.PostgresConnectorTask;
import io.debezium.connector.postgresql.PostgresOffsetContext;
import io.debezium.connector.postgresql.PostgresPartition;
import io.debezium.connector.postgresql.PostgresSchema;
import io.debezium.connector.postgresql.connection.LogicalDecodingMessage;
import io.debezium.connector.postgresql.connection.PostgresConnection;
import io.debezium.connector.postgresql.connection.ReplicationConnection;
import io.debezium.pipeline.source.spi.EventMetadataProvider;
import io.debezium.pipeline.spi.OffsetContext;
import io.debezium.pipeline.txmetadata.TransactionMonitor;
import io.debezium.spi.schema.DataCollectionId;
import io.tidemark.change.Change;
import io.tidemark.change.OperatingFailure;
import io.tidemark.postgres.PgDatabase;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.UUID;
import org.apache.kafka.connect.data.Struct;
import org.jspecify.annotations.Nullable;

/**
 * Sends one row's bytes, as a server sent them, through the parts of Debezium that a capture relies
 * on, and looks whether the row comes out. A Debezium that works in another way would otherwise be
 * noticed at the first row, or by rows that do not come.
 */
final class DebeziumSelfTest {
  private static final HexFormat HEX = HexFormat.of();

  /** Begin, the relation {@code public.t (id int4 key, v text)}, an insert of (7, 'ü'), commit. */
  private static final List<String> STREAM =
      List.of(
          "42" + "000000000300fff0" + "0002d6a3c4e5f607" + "0000030b",
          "52"
              + "00004005"
              + "7075626c696300"
              + "7400"
              + "64"
              + "0002"
              + "01"
              + "696400"
              + "00000017"
              + "ffffffff"
              + "00"
              + "7600"
              + "00000019"
              + "ffffffff",
          "49" + "00004005" + "4e" + "0002" + "74" + "00000001" + "37" + "74" + "00000002" + "c3bc",
          "43" + "00" + "000000000300fff0" + "0000000003010020" + "0002d6a3c4e5f607");

  private static final long LSN = 0x0300_FF00L;

  private static final PgOutputCatalog.Facts NO_FACTS =
      new PgOutputCatalog.Facts(List.of(), Map.of());

  /** Once is enough: libraries do not change while a process lives. */
  private static volatile boolean passed;

  private DebeziumSelfTest() {}

  /**
   * Passes, or says what does not fit.
   *
   * @throws OperatingFailure if this Debezium is not one that the capture works with
   */
  static void require() {
    if (!passed) {
      run(Map.of());
      passed = true;
    }
  }

  /**
   * @param others connector properties that differ from a capture's
   */
  static void run(Map<String, String> others) {
    List<Captured> captured = new ArrayList<>();
    PgDatabase nowhere = new PgDatabase("self-test", "jdbc:postgresql:nowhere", null, null);
    try (DebeziumSession session =
        new DebeziumSession(
            "self-test-" + UUID.randomUUID(), nowhere, "none", LSN, (table, types) -> NO_FACTS)) {
      requireOverridden();
      Properties properties =
          DebeziumEngineRun.properties(session, Map.of("database.hostname", "nowhere"));
      properties.putAll(others);
      send(session, new PostgresConnectorConfig(Configuration.from(properties)), captured);
    } catch (OperatingFailure e) {
      throw e;
    } catch (Exception | LinkageError | AssertionError e) {
      throw failure("a row did not get through it (" + e + ")", e);
    }
    if (captured.size() != 1
        || !(captured.get(0) instanceof Captured.Changed changed)
        || !(changed.change() instanceof Change.Insert insert)
        || !"7".equals(insert.after().value(0))
        || !"ü".equals(insert.after().value(1))) {
      throw failure("a row came out of it changed", null);
    }
  }

  /** The compiler saw that these are there; another Debezium at run time may not have them. */
  private static void requireOverridden() throws NoSuchMethodException {
    Class<?> answer =
        PostgresConnectorTask.class
            .getDeclaredMethod(
                "buildReplicationConnection",
                PostgresConnection.class,
                PostgresSchema.class,
                PostgresConnectorConfig.class)
            .getReturnType();
    if (!answer.equals(ReplicationConnection.class)) {
      throw failure("its task does not ask for the replication connection", null);
    }
    PostgresConnectorTask.class.getMethod("doPoll");
  }

  private static void send(
      DebeziumSession session, PostgresConnectorConfig config, List<Captured> captured)
      throws Exception {
    LogicalDecodingMessageMonitor monitor =
        new LogicalDecodingMessageMonitor(
            config,
            sent -> DebeziumBatches.messageOf(sent).decode("self-test", "nowhere", captured::add));
    TransactionMonitor transactions =
        new TransactionMonitor(
            config,
            new NoMetadata(),
            config.schemaNameAdjuster(),
            sent -> {
              throw new IllegalStateException("a record that was not asked for");
            },
            "none");
    PostgresPartition partition = new PostgresPartition(session.id(), "nowhere");
    PostgresOffsetContext offset =
        new PostgresOffsetContext.Loader(config).load(Map.of("lsn", LSN, "ts_usec", 0L));
    DebeziumStream.Forward forward =
        new DebeziumStream.Forward(
            session,
            message -> {
              if (message instanceof LogicalDecodingMessage logical) {
                monitor.logicalDecodingMessageEvent(partition, offset, 0L, logical, transactions);
              }
            });
    PgOutputDecoder decoder = new PgOutputDecoder(session.catalog());
    for (String bytes : STREAM) {
      decoder.decode(ByteBuffer.wrap(HEX.parseHex(bytes)), LSN, forward);
    }
  }

  /** Debezium's transaction records are switched off, so nobody asks. */
  private static final class NoMetadata implements EventMetadataProvider {
    @Override
    public @Nullable Instant getEventTimestamp(
        DataCollectionId table, OffsetContext offset, Object key, Struct value) {
      return null;
    }

    @Override
    public Map<String, String> getEventSourcePosition(
        DataCollectionId table, OffsetContext offset, Object key, Struct value) {
      return Map.of();
    }

    @Override
    public @Nullable String getTransactionId(
        DataCollectionId table, OffsetContext offset, Object key, Struct value) {
      return null;
    }
  }

  private static OperatingFailure failure(String what, @Nullable Throwable cause) {
    return new OperatingFailure(
        OperatingFailure.Kind.CAPACITY,
        "debezium_incompatible",
        "Debezium "
            + io.debezium.connector.postgresql.Module.version()
            + " does not fit this program: "
            + what,
        "Run it with the libraries that it was built with.",
        cause);
  }
}
