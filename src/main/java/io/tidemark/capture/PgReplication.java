package io.tidemark.capture;

import io.tidemark.postgres.PgDatabase;
import io.tidemark.postgres.TextForm;
import java.nio.ByteBuffer;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.postgresql.replication.LogSequenceNumber;
import org.postgresql.replication.PGReplicationStream;

/**
 * A running logical replication stream of one slot.
 *
 * <p>Its lock closes a race in the driver: reading and reporting status use one socket, and they
 * are done by two threads.
 */
final class PgReplication implements AutoCloseable {
  /** How often the server hears from us at least; its own limit (wal_sender_timeout) is 60 s. */
  static final int STATUS_SECONDS = 10;

  // With no search path, the names of tables and functions that are values are whole.
  private static final String SETTINGS = TextForm.SETTINGS + "set search_path = ''";

  private final Connection connection;
  private final PGReplicationStream stream;

  private PgReplication(Connection connection, PGReplicationStream stream) {
    this.connection = connection;
    this.stream = stream;
  }

  /** Starts at the slot's confirmed position, which is the only one that PostgreSQL honours. */
  static PgReplication start(PgDatabase source, String slot, String publication, long startLsn)
      throws SQLException {
    Connection connection = source.openReplication("capture stream");
    try (Statement statement = connection.createStatement()) {
      statement.execute(SETTINGS);
      PGReplicationStream stream =
          PgDatabase.pg(connection)
              .getReplicationAPI()
              .replicationStream()
              .logical()
              .withSlotName(slot)
              .withStartPosition(LogSequenceNumber.valueOf(startLsn))
              // The driver would otherwise confirm what was received but not yet written.
              .withAutomaticFlush(false)
              .withSlotOption("proto_version", 1)
              .withSlotOption("publication_names", publication)
              .withSlotOption("messages", true)
              .withStatusInterval(STATUS_SECONDS, TimeUnit.SECONDS)
              .start();
      return new PgReplication(connection, stream);
    } catch (SQLException | RuntimeException e) {
      closeAfter(connection, e);
      throw e;
    }
  }

  private static void closeAfter(Connection connection, Exception cause) {
    try {
      connection.close();
    } catch (SQLException e) {
      cause.addSuppressed(e);
    }
  }

  /** The next message, or null after about a millisecond without one (the driver's own wait). */
  synchronized @Nullable ByteBuffer read() throws SQLException {
    return stream.readPending();
  }

  /** Where the WAL has the message that was read last. */
  synchronized long lastReceivedLsn() {
    return stream.getLastReceiveLSN().asLong();
  }

  /** Tells the server that everything before this LSN is safe; it may forget it. */
  synchronized void confirm(long lsn) throws SQLException {
    LogSequenceNumber confirmed = LogSequenceNumber.valueOf(lsn);
    if (stream.getLastFlushedLSN().compareTo(confirmed) < 0) {
      stream.setFlushedLSN(confirmed);
      stream.setAppliedLSN(confirmed);
    }
    stream.forceUpdateStatus();
  }

  /** Tells the server that we are alive. */
  synchronized void report() throws SQLException {
    stream.forceUpdateStatus();
  }

  boolean isOpen() throws SQLException {
    return !connection.isClosed();
  }

  @Override
  public void close() throws SQLException {
    connection.close();
  }
}
