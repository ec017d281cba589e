package io.tidemark.capture;

import io.debezium.engine.DebeziumEngine.RecordCommitter;
import io.debezium.engine.RecordChangeEvent;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.source.SourceRecord;

/**
 * Brings an engine's batches into the topics, and tells the engine what is safe there. Used by the
 * engine's thread alone.
 */
final class DebeziumBatches {
  /** Records that the engine hands over at once. */
  static final int BATCH_RECORDS = 2048;

  /**
   * Records in the queue between the streaming thread and the writer: what is read while a Kafka
   * transaction ends. All of it is alive for the collector, so a longer one costs more than it
   * saves.
   */
  static final int QUEUE_RECORDS = 2 * BATCH_RECORDS;

  /**
   * For how long batches go into one Kafka transaction while whole ones wait behind them. Then
   * nobody looks for a change within milliseconds, and each transaction costs a pause, and
   * something for every table in it. Readers wait so long for the first of them at most; far below
   * the time after which the brokers give a transaction up.
   */
  static final Duration TRANSACTION_MAX = Duration.ofSeconds(1);

  private final DebeziumSession session;
  private final String connection;
  private final String database;
  private final Sink sink;
  private final LongSupplier nanoTime;

  /** Whether the sink has batches that are not committed, and since when. */
  private boolean isOpen;

  private long openedNanos;

  /** Takes what was captured. */
  interface Sink extends Consumer<Captured> {
    /** Everything accepted so far must be safe in Kafka when this returns. */
    void commit();
  }

  /**
   * @param database the source's name for it
   * @param nanoTime as {@link System#nanoTime()}
   */
  DebeziumBatches(DebeziumSession session, String database, Sink sink, LongSupplier nanoTime) {
    this.session = session;
    this.connection = session.source().connection();
    this.database = database;
    this.sink = sink;
    this.nanoTime = nanoTime;
  }

  /**
   * Hands a batch to the sink, and commits it, unless the next one already waits.
   *
   * <p>INVARIANT: marked only after the Kafka commit, so that the slot never runs ahead of it. What
   * is left open is followed by another batch, or by the engine's end and then by nothing.
   */
  void take(
      List<RecordChangeEvent<SourceRecord>> records,
      RecordCommitter<RecordChangeEvent<SourceRecord>> committer)
      throws InterruptedException {
    if (!isOpen) {
      isOpen = true;
      openedNanos = nanoTime.getAsLong();
    }
    for (RecordChangeEvent<SourceRecord> event : records) {
      PgOutputMessage message = messageOf(event.record());
      message.decode(connection, database, sink);
      session.done(message.size());
    }
    if (session.queued() >= BATCH_RECORDS
        && nanoTime.getAsLong() - openedNanos < TRANSACTION_MAX.toNanos()) {
      return;
    }
    sink.commit();
    isOpen = false;
    // One partition, increasing offsets: the last mark stands for all.
    committer.markProcessed(records.get(records.size() - 1));
    committer.markBatchFinished();
  }

  static PgOutputMessage messageOf(SourceRecord record) {
    if (record.value() instanceof Struct value
        && value.getStruct("source") instanceof DebeziumStamp stamp) {
      return stamp.message();
    }
    throw new IllegalStateException("a record did not come from our stream: " + record.topic());
  }
}
