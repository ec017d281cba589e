package io.tidemark.capture;

import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Follows a pgoutput stream (protocol version 1): knows the tables that it described and the
 * transaction that is being sent, and numbers the messages of it.
 *
 * <p>INVARIANT: the number depends on the stream's content alone. PostgreSQL sends whole
 * transactions again, as they stood in the catalog of their time, so a change has the same position
 * each time it is sent.
 */
final class PgOutputDecoder {
  /** A transaction of the stream that did not begin: non-transactional messages have none. */
  private static final PgOutputTransaction NONE = new PgOutputTransaction(0, 0, 0, null);

  private final PgOutputCatalog catalog;
  private final Map<Integer, PgOutputTable> tables = new HashMap<>();
  private PgOutputTransaction transaction = NONE;
  private long ordinal;
  private boolean areNamesOld;

  PgOutputDecoder(PgOutputCatalog catalog) {
    this.catalog = catalog;
  }

  /** Takes what the stream says, in its order. */
  interface Sink {
    void begun(PgOutputTransaction transaction) throws Exception;

    void committed(PgOutputTransaction transaction) throws Exception;

    void message(PgOutputMessage message) throws Exception;
  }

  /** Reads one message and hands it on; {@code lsn} is where the WAL has it. */
  void decode(ByteBuffer message, long lsn, Sink sink) throws Exception {
    int start = message.position();
    char type = (char) message.get();
    switch (type) {
      case 'B' -> {
        transaction = PgOutputTransaction.begin(message);
        ordinal = 0;
        sink.begun(transaction);
      }
      case 'C' -> {
        sink.committed(transaction);
        transaction = NONE;
      }
      case 'O' -> transaction = transaction.withOrigin(message);
      case 'R' -> {
        int id = message.getInt(message.position());
        tables.put(id, PgOutputTable.read(message, catalog));
      }
      case 'I', 'U', 'D' -> {
        PgOutputTable table = table(message.getInt());
        message.position(start);
        sink.message(next(message, table, lsn));
      }
      case 'T' -> truncate(message, lsn, sink);
      case 'M' -> logicalMessage(message, lsn, sink);
      case 'Y' -> {
        // A type's name; values come as text, whatever their type.
      }
      default ->
          throw new IllegalStateException("pgoutput sent a message '" + type + "' we do not know");
    }
  }

  /** Whether a message is about a table's rows, by its first byte; it is not consumed. */
  static boolean isOfTable(ByteBuffer message) {
    return switch (message.get(message.position())) {
      case 'I', 'U', 'D', 'T' -> true;
      default -> false;
    };
  }

  private void truncate(ByteBuffer message, long lsn, Sink sink) throws Exception {
    int count = message.getInt();
    message.get();
    for (int i = 0; i < count; i++) {
      sink.message(next(letter('T'), table(message.getInt()), lsn));
    }
  }

  /** Only transactional messages of our own count: others come and go without a place. */
  private void logicalMessage(ByteBuffer message, long lsn, Sink sink) throws Exception {
    boolean transactional = message.get() == 1;
    message.getLong();
    String prefix = PgOutputTransaction.readString(message);
    if (transactional && prefix.equals(CaptureNames.TRACKED)) {
      catalog.forgetNames();
      areNamesOld = true;
    }
    if (transactional && prefix.startsWith(CaptureNames.MESSAGE_PREFIX)) {
      sink.message(next(letter('M'), null, lsn));
    }
  }

  private static ByteBuffer letter(char type) {
    return ByteBuffer.wrap(new byte[] {(byte) type});
  }

  private PgOutputMessage next(ByteBuffer bytes, @Nullable PgOutputTable table, long lsn) {
    if (transaction == NONE) {
      throw new IllegalStateException("pgoutput sent a change outside a transaction");
    }
    return new PgOutputMessage(bytes, table, transaction, ++ordinal, lsn);
  }

  private PgOutputTable table(int id) {
    if (areNamesOld) {
      tables.replaceAll((relation, table) -> table.trackedBy(catalog));
      areNamesOld = false;
    }
    PgOutputTable table = tables.get(id);
    if (table == null) {
      throw new IllegalStateException("pgoutput did not describe relation " + id);
    }
    return table;
  }
}
