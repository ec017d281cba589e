package io.tidemark.capture;

import io.debezium.connector.postgresql.connection.LogicalDecodingMessage;
import io.debezium.connector.postgresql.connection.Lsn;
import io.debezium.connector.postgresql.connection.ReplicationMessage.Operation;
import io.debezium.connector.postgresql.connection.ReplicationStream;
import io.debezium.connector.postgresql.connection.TransactionMessage;
import java.nio.ByteBuffer;
import java.sql.SQLException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Feeds Debezium with what the slot sends. Each change travels as one logical decoding message,
 * which Debezium's dispatcher hands on untouched; {@link DebeziumStamp} carries the server's bytes.
 *
 * <p>Debezium's interface declares {@code SQLException}, hence the import here.
 */
final class DebeziumStream implements ReplicationStream {
  private static final System.Logger LOG = System.getLogger(DebeziumStream.class.getName());

  /** Reads without a change (about 1 ms each) before reading is slowed down to save CPU. */
  private static final int BUSY_READS = 100;

  /** Reads without a change (about half a second in all) before it is slowed down further. */
  private static final int IDLE_READS = 200;

  /** The pause between reads delays the first change after it, so it grows with the silence. */
  private static final long SHORT_PAUSE_MILLIS = 4;

  private static final long LONG_PAUSE_MILLIS = 16;

  private static final byte[] NO_CONTENT = {};

  private final DebeziumSession session;
  private final PgReplication replication;
  private final PgOutputDecoder decoder;
  private volatile Lsn lastReceived;
  private volatile @Nullable ExecutorService keepAlive;
  private int emptyReads;

  DebeziumStream(DebeziumSession session, PgReplication replication) {
    this.session = session;
    this.replication = replication;
    this.decoder = new PgOutputDecoder(session.catalog());
    this.lastReceived = startLsn();
  }

  @Override
  public void read(ReplicationMessageProcessor processor)
      throws SQLException, InterruptedException {
    while (!readPending(processor)) {
      // Each turn waits about a millisecond in the driver.
    }
  }

  @Override
  public boolean readPending(ReplicationMessageProcessor processor)
      throws SQLException, InterruptedException {
    if (session.isStopping()) {
      return pause();
    }
    session.polled();
    ByteBuffer message = replication.read();
    if (message == null) {
      return ++emptyReads > BUSY_READS && pause();
    }
    if (PgOutputDecoder.isOfTable(message)) {
      // Heartbeats come all the time; a table's change speaks for more to come.
      emptyReads = 0;
    }
    long lsn = replication.lastReceivedLsn();
    lastReceived = Lsn.valueOf(lsn);
    session.heard(lsn);
    decode(message, lsn, processor);
    return true;
  }

  /** Sleeps, and answers that nothing was read. Debezium's loop sees a stop after that. */
  private boolean pause() throws InterruptedException {
    try {
      Thread.sleep(emptyReads > IDLE_READS ? LONG_PAUSE_MILLIS : SHORT_PAUSE_MILLIS);
    } catch (InterruptedException e) {
      if (!session.isStopping()) {
        throw e;
      }
    }
    return false;
  }

  private void decode(ByteBuffer message, long lsn, ReplicationMessageProcessor processor)
      throws SQLException, InterruptedException {
    try {
      decoder.decode(message, lsn, new Forward(session, processor));
    } catch (SQLException | InterruptedException | RuntimeException e) {
      throw e;
    } catch (Exception e) {
      throw new IllegalStateException("a message of the stream could not be handed on", e);
    }
  }

  /** Turns what the decoder found into what Debezium's streaming loop understands. */
  record Forward(DebeziumSession session, ReplicationMessageProcessor processor)
      implements PgOutputDecoder.Sink {
    @Override
    public void begun(PgOutputTransaction of) throws Exception {
      processor.process(new TransactionMessage(Operation.BEGIN, of.id(), committedAt(of)));
    }

    @Override
    public void committed(PgOutputTransaction of) throws Exception {
      processor.process(new TransactionMessage(Operation.COMMIT, of.id(), committedAt(of)));
    }

    @Override
    public void message(PgOutputMessage message) throws Exception {
      session.admit(message.size());
      session.current(message);
      PgOutputTransaction of = message.transaction();
      processor.process(
          new LogicalDecodingMessage(
              Operation.MESSAGE,
              committedAt(of),
              of.id(),
              true,
              CaptureNames.MESSAGE_PREFIX,
              NO_CONTENT));
      session.arrived();
    }

    private static Instant committedAt(PgOutputTransaction of) {
      return Instant.EPOCH.plus(of.committedMicros(), ChronoUnit.MICROS);
    }
  }

  @Override
  public void flushLsn(Lsn lsn) throws SQLException {
    replication.confirm(lsn.asLong());
  }

  @Override
  public Lsn lastReceivedLsn() {
    return lastReceived;
  }

  @Override
  public Lsn startLsn() {
    return Lsn.valueOf(session.startLsn());
  }

  /**
   * While a full queue holds the streaming thread back, nothing else would report to the server.
   */
  @Override
  public void startKeepAlive(ExecutorService service) {
    keepAlive = service;
    service.execute(
        () -> {
          try {
            while (!service.isShutdown()) {
              replication.report();
              TimeUnit.SECONDS.sleep(PgReplication.STATUS_SECONDS);
            }
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          } catch (SQLException | RuntimeException e) {
            // The streaming thread meets the same broken connection and ends the engine.
            LOG.log(System.Logger.Level.DEBUG, "The stream's keep-alive ended.", e);
          }
        });
  }

  @Override
  public void stopKeepAlive() {
    ExecutorService service = keepAlive;
    if (service != null) {
      service.shutdownNow();
    }
  }

  @Override
  public void close() throws SQLException {
    replication.close();
  }
}
