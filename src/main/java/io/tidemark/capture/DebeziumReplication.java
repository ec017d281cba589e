package io.tidemark.capture;

import io.debezium.connector.postgresql.connection.Lsn;
import io.debezium.connector.postgresql.connection.ReplicationConnection;
import io.debezium.connector.postgresql.connection.ReplicationStream;
import io.debezium.connector.postgresql.connection.WalPositionLocator;
import io.debezium.connector.postgresql.spi.SlotCreationResult;
import java.sql.SQLException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Starts the stream from the slot's confirmed position, always. Publication and slot are made by
 * {@link ChangeTracker}; nothing here creates either.
 *
 * <p>Debezium's interface declares {@code SQLException}, hence the import here.
 */
final class DebeziumReplication implements ReplicationConnection {
  private final DebeziumSession session;
  private @Nullable PgReplication replication;

  DebeziumReplication(DebeziumSession session) {
    this.session = session;
  }

  @Override
  public ReplicationStream startStreaming(WalPositionLocator ignored) throws SQLException {
    session.streamsHere();
    PgReplication started =
        PgReplication.start(session.source(), session.slot(), session.slot(), session.startLsn());
    replication = started;
    return new DebeziumStream(session, started);
  }

  @Override
  public ReplicationStream startStreaming(Lsn stored, WalPositionLocator locator) {
    throw new IllegalStateException("capture never resumes from a stored offset");
  }

  @Override
  public Optional<SlotCreationResult> createReplicationSlot() {
    throw new IllegalStateException("replication slot " + session.slot() + " is gone");
  }

  @Override
  public void initConnection() {
    // Nothing to prepare: the stream opens its own connection.
  }

  @Override
  public boolean isConnected() throws SQLException {
    return replication != null && replication.isOpen();
  }

  @Override
  public void reconnect() {
    throw new IllegalStateException("capture never reconnects in place; its loop starts it anew");
  }

  @Override
  public void close() throws SQLException {
    if (replication != null) {
      replication.close();
    }
  }
}
