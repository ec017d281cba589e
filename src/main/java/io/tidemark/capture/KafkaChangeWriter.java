package io.tidemark.capture;

import io.tidemark.capture.Captured.Changed;
import io.tidemark.change.OperatingFailure;
import io.tidemark.change.SourcePosition;
import io.tidemark.change.TableName;
import io.tidemark.change.TableSchema;
import io.tidemark.change.TableSchemaJson;
import io.tidemark.change.TopicName;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.AuthenticationException;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;

/**
 * Writes changes so that a reader of committed records sees each exactly once.
 *
 * <p>INVARIANT: the records and the position of the last of them are one Kafka transaction. What is
 * sent again after a restart is recognised by that position and skipped; what was not committed was
 * never seen. Opening a writer fences every former one of the connection, and ends its open
 * transaction, before the position is read.
 *
 * <p>Transactions take turns between two producers. A producer's next transaction begins only when
 * all markers of its last one are written, and the brokers let it try again and again meanwhile;
 * the other one's begins at once. It does not begin before: what two producers send at the same
 * time may overtake one another on its way to a partition.
 *
 * <p>INVARIANT: the second producer is used only after the first one has committed something. Who
 * opens a writer takes both, the first one first; so one whose first producer still works has been
 * overtaken by nobody, or by somebody who has yet to take the second one and then reads the
 * position.
 *
 * <p>INVARIANT: whoever reads a change finds its schema. The schema is written in a transaction of
 * its own before the first change that names it: the markers of one transaction reach its
 * partitions at different times, so that within one the change could be seen first. The change's
 * transaction is of the same producer, and so begins when the schema's markers are written.
 *
 * <p>After any exception the writer is of no more use: whether its last commit happened is for the
 * next one to find out.
 */
final class KafkaChangeWriter implements DebeziumBatches.Sink, AutoCloseable {
  private static final System.Logger LOG = System.getLogger(KafkaChangeWriter.class.getName());

  /**
   * Bytes of keys and values in one transaction. It bounds what the producer holds, whatever a
   * source transaction's size, and how long readers wait for the first of it.
   */
  private static final long TRANSACTION_BYTES_MAX = 32L << 20;

  /** Producer memory: one record of the largest size, or a transaction and what it overlaps. */
  private static final long BUFFER_BYTES = KafkaTopics.RECORD_BYTES_MAX + (32L << 20);

  /** A dead instance's open transaction holds readers back for so long, if nobody takes over. */
  private static final int TRANSACTION_MILLIS_MAX = 30_000;

  /** Below the transaction's time, so that a lost record is known before the transaction is. */
  private static final int DELIVERY_MILLIS_MAX = 25_000;

  private static final int REQUEST_MILLIS_MAX = 20_000;
  private static final int BLOCK_MILLIS_MAX = 15_000;
  private static final int RETRY_MILLIS = 5;
  private static final int LINGER_MILLIS = 20;
  private static final int BATCH_BYTES = 256 << 10;
  private static final Duration CLOSE_MAX = Duration.ofSeconds(2);

  /** For how long writers contend for recording a position; a broker's absence takes longer. */
  private static final Duration RECORD_MAX = Duration.ofSeconds(10);

  private static final Duration RECORD_PAUSE = Duration.ofMillis(20);

  private final String connection;
  private final KafkaChangeRecords changes;
  private final Clock clock;
  private final CaptureProgress progress;
  private final List<Producer<byte[], byte[]>> producers;
  private final String positionTopic;
  private final String schemaTopic;

  /** The ids of schemas that this writer has written. Former writers' are written again. */
  private final Set<String> schemasWritten = new HashSet<>();

  private final AtomicReference<@Nullable Exception> sendFailure = new AtomicReference<>();

  private @Nullable WrittenPosition from;
  private SourcePosition written = SourcePosition.START;
  private @Nullable Captured last;
  private int turn;
  private boolean open;

  /** Whether the open transaction was told to commit: then it may have done so. */
  private boolean committing;

  private long openBytes;
  private long openChanges;

  /** Fences former writers of the connection. */
  KafkaChangeWriter(
      CaptureSettings settings,
      Map<String, Object> clients,
      CaptureNames names,
      KafkaTopics topics,
      CaptureProgress progress,
      Clock clock) {
    this.connection = names.connection();
    this.progress = progress;
    this.clock = clock;
    this.positionTopic = TopicName.positionOf(settings.topicPrefix(), connection);
    this.schemaTopic = TopicName.schemasOf(settings.topicPrefix(), connection);
    this.changes = new KafkaChangeRecords(settings, connection, topics, clock);
    this.producers = open(clients, names);
  }

  private static List<Producer<byte[], byte[]>> open(
      Map<String, Object> clients, CaptureNames names) {
    List<Producer<byte[], byte[]>> opened = new ArrayList<>();
    try {
      for (String transactionalId : names.transactionalIds()) {
        Producer<byte[], byte[]> producer =
            new KafkaProducer<>(
                config(clients, transactionalId),
                new ByteArraySerializer(),
                new ByteArraySerializer());
        opened.add(producer);
        producer.initTransactions();
      }
      return List.copyOf(opened);
    } catch (RuntimeException e) {
      opened.forEach(producer -> producer.close(Duration.ZERO));
      throw e;
    }
  }

  private static Map<String, Object> config(Map<String, Object> clients, String transactionalId) {
    Map<String, Object> config = new HashMap<>(clients);
    config.putIfAbsent("compression.type", "lz4");
    config.put("client.id", transactionalId + "-capture");
    config.put("transactional.id", transactionalId);
    config.put("acks", "all");
    config.put("enable.idempotence", true);
    // No delay: a commit sends at once what lingers. It makes one request of a batch's records.
    config.put("linger.ms", LINGER_MILLIS);
    // A transaction's first request may have to wait for the end of the producer's last one; those
    // behind it would arrive out of order, and be refused and sent again.
    config.put("max.in.flight.requests.per.connection", 1);
    config.put("batch.size", BATCH_BYTES);
    config.put("max.request.size", KafkaTopics.RECORD_BYTES_MAX);
    config.put("buffer.memory", BUFFER_BYTES);
    config.put("retry.backoff.ms", RETRY_MILLIS);
    config.put("transaction.timeout.ms", TRANSACTION_MILLIS_MAX);
    config.put("delivery.timeout.ms", DELIVERY_MILLIS_MAX);
    config.put("request.timeout.ms", REQUEST_MILLIS_MAX);
    config.put("max.block.ms", BLOCK_MILLIS_MAX);
    return config;
  }

  /** Continues after a position that is already in the topic. */
  void resume(WrittenPosition position) {
    from = position;
    written = position.position();
    progress.written(position, 0);
  }

  /** Writes a position that no change led to: a slot's first one, or its end. */
  void record(WrittenPosition position) {
    writeAlone(new ProducerRecord<>(positionTopic, 0, positionKey(), PositionJson.write(position)));
    resume(position);
  }

  /**
   * Writes a position through a writer of its own. A capture that begins at this moment fences that
   * writer, though it is the one to be fenced; so another one is opened until the position stands.
   */
  static void recordOnce(Supplier<KafkaChangeWriter> writers, WrittenPosition position) {
    long start = System.nanoTime();
    while (true) {
      try (KafkaChangeWriter writer = writers.get()) {
        writer.record(position);
        return;
      } catch (AuthorizationException | AuthenticationException e) {
        throw e;
      } catch (KafkaException e) {
        if (System.nanoTime() - start > RECORD_MAX.toNanos()) {
          throw e;
        }
        LOG.log(System.Logger.Level.DEBUG, "A position could not be recorded; once more.", e);
        LockSupport.parkNanos(RECORD_PAUSE.toNanos());
      }
    }
  }

  /**
   * Names the topic of a table that was looked up: if it goes away, writing fails. A table that is
   * not named is new, and gets a topic with its first change.
   */
  void writesTo(String topic, TableName table) {
    changes.writesTo(topic, table);
  }

  /** Sends one change, or skips it if it was written before. */
  @Override
  public void accept(Captured captured) {
    if (!captured.position().isAfter(written)) {
      return;
    }
    List<ProducerRecord<byte[], byte[]>> records = List.of();
    if (captured instanceof Changed changed) {
      ensureSchema(changed.schema());
      records = recordsUnlessTooLarge(changed);
      openChanges++;
    }
    if (!open) {
      producer().beginTransaction();
      open = true;
    }
    records.forEach(this::send);
    openBytes += KafkaChangeRecords.size(records);
    last = captured;
    written = captured.position();
    if (openBytes >= TRANSACTION_BYTES_MAX) {
      commit();
    }
  }

  /**
   * What came before a change that is refused does not wait for a person with it. Of a key change
   * that may be the first half: the row under its old key is no more, wherever the new one is.
   */
  private List<ProducerRecord<byte[], byte[]>> recordsUnlessTooLarge(Changed changed) {
    List<ProducerRecord<byte[], byte[]>> records = changes.of(changed, producer());
    Optional<OperatingFailure> refusal =
        changes.refusal(changed.change(), KafkaChangeRecords.size(records));
    if (refusal.isPresent()) {
      commit();
      throw refusal.get();
    }
    return records;
  }

  private void ensureSchema(TableSchema schema) {
    if (schemasWritten.contains(schema.id())) {
      return;
    }
    commit();
    byte[] key = TableSchemaJson.key(schema);
    writeAlone(new ProducerRecord<>(schemaTopic, 0, key, TableSchemaJson.write(schema)));
    schemasWritten.add(schema.id());
  }

  /** Ends the transaction with the position of the last change in it. */
  @Override
  public void commit() {
    Captured reached = last;
    if (!open || reached == null) {
      return;
    }
    WrittenPosition position =
        Objects.requireNonNull(from).movedTo(written, reached.committedMicros(), clock.millis());
    send(new ProducerRecord<>(positionTopic, 0, positionKey(), PositionJson.write(position)));
    end();
    turn = (turn + 1) % producers.size();
    progress.written(position, openChanges);
    last = null;
    openBytes = 0;
    openChanges = 0;
  }

  /** Writes one record in a transaction of its own, while none is open. */
  private void writeAlone(ProducerRecord<byte[], byte[]> record) {
    producer().beginTransaction();
    open = true;
    send(record);
    end();
  }

  private Producer<byte[], byte[]> producer() {
    return producers.get(turn);
  }

  private void end() {
    committing = true;
    producer().commitTransaction();
    failIfSendFailed();
    committing = false;
    open = false;
  }

  private void send(ProducerRecord<byte[], byte[]> record) {
    failIfSendFailed();
    producer()
        .send(
            record,
            (metadata, error) -> {
              if (error != null) {
                sendFailure.compareAndSet(null, error);
              }
            });
  }

  private void failIfSendFailed() {
    Exception failed = sendFailure.get();
    if (failed != null) {
      throw new IllegalStateException("a record could not be written: " + failed, failed);
    }
  }

  private byte[] positionKey() {
    return connection.getBytes(StandardCharsets.UTF_8);
  }

  /** Gives up what is not committed, and tells readers so rather than let them wait for it. */
  @Override
  public void close() {
    try {
      if (open && !committing) {
        producer().abortTransaction();
      }
    } catch (KafkaException | IllegalStateException e) {
      // Fenced, in the middle of a commit that did not end, or the brokers are away: the next
      // writer, or time, ends the transaction. The producer must be closed all the same.
      LOG.log(System.Logger.Level.DEBUG, "An open transaction could not be aborted.", e);
    } finally {
      producers.forEach(producer -> producer.close(CLOSE_MAX));
    }
  }
}
