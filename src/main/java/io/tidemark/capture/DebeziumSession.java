package io.tidemark.capture;

import io.tidemark.postgres.PgDatabase;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * What the parts that Debezium makes by class name share: connector, task and struct maker of one
 * engine find their session by the engine's logical name ({@code topic.prefix}).
 */
final class DebeziumSession implements AutoCloseable {
  /** Bytes of messages between the stream and the topics; what a capture needs of the heap. */
  private static final long QUEUED_BYTES_MAX = 32L << 20;

  /** One wait for room; it is looked again after it. */
  private static final long ADMIT_MILLIS_MAX = 1_000;

  /** A thread that has not looked for so long is busy with what has come. */
  private static final long POLL_NANOS_MAX = 1_000_000_000;

  private static final Map<String, DebeziumSession> SESSIONS = new ConcurrentHashMap<>();

  private final String id;
  private final PgDatabase source;
  private final String slot;
  private final long startLsn;
  private final PgOutputCatalog catalog;

  // Written and read by the streaming thread alone.
  private @Nullable PgOutputMessage current;

  private boolean arrived;
  private long queuedBytes;
  private int queued;
  private boolean admitting;
  private volatile @Nullable Thread streaming;
  private volatile boolean stopping;
  private volatile long polledNanos;
  private volatile long heardNanos;
  private volatile long heardLsn;

  /**
   * @param slot also the publication's name
   * @param startLsn the slot's confirmed position
   */
  DebeziumSession(
      String id, PgDatabase source, String slot, long startLsn, PgOutputCatalog catalog) {
    this.id = id;
    this.source = source;
    this.slot = slot;
    this.startLsn = startLsn;
    this.catalog = catalog;
    SESSIONS.put(id, this);
  }

  static DebeziumSession of(@Nullable String id) {
    DebeziumSession session = id == null ? null : SESSIONS.get(id);
    if (session == null) {
      throw new IllegalStateException("no capture session has the id " + id);
    }
    return session;
  }

  String id() {
    return id;
  }

  String slot() {
    return slot;
  }

  long startLsn() {
    return startLsn;
  }

  PgOutputCatalog catalog() {
    return catalog;
  }

  PgDatabase source() {
    return source;
  }

  void current(PgOutputMessage message) {
    current = message;
  }

  @Nullable PgOutputMessage current() {
    return current;
  }

  /**
   * Waits until a message fits into the bound of what was read but not yet written. Debezium's own
   * bound would copy each message to know its size. One message alone always fits.
   */
  synchronized void admit(int bytes) throws InterruptedException {
    while (queuedBytes > 0 && queuedBytes + bytes > QUEUED_BYTES_MAX) {
      admitting = true;
      wait(ADMIT_MILLIS_MAX);
    }
    admitting = false;
    queuedBytes += bytes;
    queued++;
  }

  /** A message was written. */
  synchronized void done(int bytes) {
    queuedBytes -= bytes;
    queued--;
    if (admitting) {
      notifyAll();
    }
  }

  /** Messages that were read and not yet written: each of them is still to come to the writer. */
  synchronized int queued() {
    return queued;
  }

  /** A record stands in Debezium's queue. */
  synchronized void arrived() {
    if (!arrived) {
      arrived = true;
      notifyAll();
    }
  }

  /**
   * Waits until a record stands in the queue. This is what lets the queue's own polling interval be
   * a millisecond without a busy loop: an idle capture sleeps here.
   */
  synchronized void awaitArrival(long millisMax) throws InterruptedException {
    if (!arrived) {
      wait(millisMax);
    }
    arrived = false;
  }

  /** The calling thread streams from now on. */
  void streamsHere() {
    heardNanos = System.nanoTime();
    streaming = Thread.currentThread();
  }

  /** The streaming thread looks whether something has come. */
  void polled() {
    polledNanos = System.nanoTime();
  }

  /** Something has come, from this place of the log. */
  void heard(long lsn) {
    heardLsn = lsn;
    heardNanos = System.nanoTime();
  }

  /** The place in the log of what has come last; 0 if nothing has. */
  long heardLsn() {
    return heardLsn;
  }

  /**
   * For how long the streaming thread has looked in vain; 0 while it does something else, such as
   * to wait for room.
   */
  long silentNanos() {
    long now = System.nanoTime();
    boolean isLooking = streaming != null && now - polledNanos < POLL_NANOS_MAX;
    return isLooking ? now - heardNanos : 0;
  }

  boolean isStreaming() {
    return streaming != null;
  }

  boolean isStopping() {
    return stopping;
  }

  /**
   * Ends streaming. Debezium's own stop waits 90 s for a streaming thread that stands before a full
   * queue; an interrupt ends that wait.
   */
  void stop() {
    stopping = true;
    Thread thread = streaming;
    if (thread != null) {
      thread.interrupt();
    }
  }

  @Override
  public void close() {
    SESSIONS.remove(id);
  }
}
