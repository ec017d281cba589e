package io.tidemark.capture;

import io.tidemark.change.Change;
import io.tidemark.change.ChangeSource;
import io.tidemark.change.Row;
import java.nio.ByteBuffer;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One message of pgoutput with what its meaning depends on. It is kept as bytes until it is written
 * to a topic: bytes are easily bounded, and the thread that reads the WAL is not the one that
 * decodes.
 *
 * @param bytes the message from its type letter on; the driver gives each its own array
 * @param table null for a message of our own
 * @param ordinal its number among the captured messages of its transaction, from 1
 * @param lsn the LSN of the change itself
 */
record PgOutputMessage(
    ByteBuffer bytes,
    @Nullable PgOutputTable table,
    PgOutputTransaction transaction,
    long ordinal,
    long lsn) {

  int size() {
    return bytes.remaining();
  }

  /** Hands on what this message says: one change, or both halves of a key change, or a mark. */
  void decode(String connection, String database, Consumer<Captured> sink) {
    if (table == null) {
      sink.accept(new Captured.Mark(transaction.at(ordinal, 0), transaction.committedMicros()));
      return;
    }
    ByteBuffer body = bytes.duplicate();
    char type = (char) body.get();
    ChangeSource source = source(connection, database, table, 0);
    if (type == 'T') {
      sink.accept(new Captured.Changed(new Change.Truncate(source), null, table.schema()));
      return;
    }
    body.getInt();
    switch (type) {
      case 'I' -> insert(body, table, source, sink);
      case 'U' -> update(body, table, source, sink);
      case 'D' -> delete(body, table, source, sink);
      default -> throw new IllegalStateException("unknown message '" + type + "'");
    }
  }

  private static void insert(
      ByteBuffer body, PgOutputTable table, ChangeSource source, Consumer<Captured> sink) {
    body.get();
    Row after = table.readRow(body);
    sink.accept(
        new Captured.Changed(new Change.Insert(source, after), table.keyOf(after), table.schema()));
  }

  private static void delete(
      ByteBuffer body, PgOutputTable table, ChangeSource source, Consumer<Captured> sink) {
    Row before = (char) body.get() == 'K' ? table.readKeyRow(body) : table.readRow(body);
    sink.accept(
        new Captured.Changed(
            new Change.Delete(source, before), table.keyOf(before), table.schema()));
  }

  private void update(
      ByteBuffer body, PgOutputTable table, ChangeSource source, Consumer<Captured> sink) {
    char kind = (char) body.get();
    Row before = null;
    if (kind != 'N') {
      before = kind == 'K' ? table.readKeyRow(body) : table.readRow(body);
      body.get();
    }
    Row after = table.readRow(body);
    if (before == null) {
      Change change = new Change.Update(source, null, after);
      sink.accept(new Captured.Changed(change, table.keyOf(after), table.schema()));
      return;
    }
    // A large value that did not change stands in the old tuple if the identity covers it.
    after = after.completedBy(before);
    Row oldKey = table.keyOf(before);
    Row newKey = table.keyOf(after);
    if (oldKey == null || newKey == null || !oldKey.isComplete() || oldKey.equals(newKey)) {
      Change change = new Change.Update(source, kind == 'O' ? before : null, after);
      sink.accept(new Captured.Changed(change, newKey, table.schema()));
      return;
    }
    sink.accept(
        new Captured.Changed(new Change.Delete(source, before, newKey), oldKey, table.schema()));
    ChangeSource second = source(source.connection(), source.database(), table, 1);
    sink.accept(
        new Captured.Changed(new Change.Insert(second, after, oldKey), newKey, table.schema()));
  }

  private ChangeSource source(String connection, String database, PgOutputTable of, int part) {
    return new ChangeSource(
        connection,
        database,
        of.name(),
        transaction.at(ordinal, part),
        transaction.id(),
        lsn,
        transaction.committedMicros(),
        transaction.origin(),
        of.schema().id());
  }

  /** Without the bytes: a row's values never reach a log. */
  @Override
  public String toString() {
    return "PgOutputMessage[" + transaction.at(ordinal, 0) + "]";
  }
}
