package io.tidemark.apply;

import io.tidemark.apply.JdbcApplier.Prepared;
import io.tidemark.change.OperatingFailure;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.jspecify.annotations.Nullable;

/**
 * Where a target stands in the partitions that a session holds, and what moves it on: batches, one
 * after the other. A large one is written by a thread of its own, so that the next ones are read
 * meanwhile; a small one is not worth the switch.
 *
 * <p>Behind the batch that is being written one lies ready, which the thread goes on with by
 * itself: with its waking up, and that of the session's thread, between any two of them the target
 * would stand still for a tenth of the time.
 *
 * <p>INVARIANT: the session's thread touches the target only while no batch is on its way; what may
 * be called meanwhile says so.
 */
final class TargetWriter implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(TargetWriter.class.getName());

  /** Changes from which on a batch takes the target longer than another thread takes to wake up. */
  private static final int AHEAD_CHANGES_MIN = 100;

  /** Record bytes up to which there is room in memory for a second and a third batch. */
  private static final long AHEAD_BYTES_MAX = 4L << 20;

  /** Batches on their way: one that is being written, and one behind it. */
  private static final int UNDER_WAY_MAX = 2;

  private final ApplyTask task;
  private final JdbcTarget target;
  private final KafkaTableSchemas schemas;
  private final ApplyProgress progress;
  private final InstantSource clock;
  private final ExecutorService thread;
  private final Map<Integer, AppliedPosition> standing = new ConcurrentHashMap<>();

  /** Named only after the target is ready for it, so that {@link #prepare} sees both or neither. */
  private volatile @Nullable String schemaInUse;

  /**
   * A batch on its way.
   *
   * @param lost as {@link #settle()} answers, once the batch is done
   */
  private record UnderWay(int partition, CompletableFuture<Set<Integer>> lost) {}

  /** The batches on their way, at most two. */
  private final Deque<UnderWay> underWay = new ArrayDeque<>();

  private final Set<Integer> written = new HashSet<>();

  /** Takes the target over: it is closed with this. */
  TargetWriter(
      ApplyTask task,
      JdbcTarget target,
      KafkaTableSchemas schemas,
      ApplyProgress progress,
      InstantSource clock) {
    this.task = task;
    this.target = target;
    this.schemas = schemas;
    this.progress = progress;
    this.clock = clock;
    thread = Executors.newSingleThreadExecutor(run -> new Thread(run, "write " + task.topic()));
  }

  /** Whether a batch is on its way. */
  boolean isWriting() {
    return !underWay.isEmpty();
  }

  /** Whether it is known that a batch of the partition has been written. */
  boolean hasWritten(int partition) {
    return written.contains(partition);
  }

  /**
   * A batch that is to be written.
   *
   * @param changes of one partition, in the order of their offsets
   * @param bytes of their records
   * @param prepared what could be done of it before
   */
  record Work(List<TopicChange> changes, long bytes, Optional<Prepared> prepared) {}

  /** Prepares a batch, while those before it may be on their way. */
  Work prepare(List<TopicChange> changes, long bytes) {
    String schema = changes.get(0).change().source().schemaId();
    boolean isPreparable =
        isLarge(changes, bytes)
            && schema != null
            && schema.equals(schemaInUse)
            && endOfSchema(changes, 0) == changes.size();
    return new Work(changes, bytes, isPreparable ? prepared(changes) : Optional.empty());
  }

  private Optional<Prepared> prepared(List<TopicChange> changes) {
    try {
      return target.prepare(changes);
    } catch (OperatingFailure e) {
      // Writing the batch meets it again; what befell those before it is to be heard first.
      LOG.log(System.Logger.Level.DEBUG, "A batch could not be prepared.", e);
      return Optional.empty();
    }
  }

  private static boolean isLarge(List<TopicChange> changes, long bytes) {
    return changes.size() >= AHEAD_CHANGES_MIN && bytes <= AHEAD_BYTES_MAX;
  }

  /**
   * Waits until a batch can be written: for a large one until only one is on its way, for a small
   * one until none is.
   *
   * @return as {@link #settle()}
   */
  Set<Integer> makeRoomFor(Work batch) {
    if (!isLarge(batch.changes(), batch.bytes())) {
      return settle();
    }
    if (underWay.size() < UNDER_WAY_MAX) {
      return Set.of();
    }
    Set<Integer> lost = done(underWay.getFirst());
    if (!lost.isEmpty()) {
      return settle();
    }
    written.add(underWay.removeFirst().partition());
    return lost;
  }

  /**
   * Writes a batch for which there is room, now or while the caller goes on.
   *
   * @param partition one that is held
   * @return as {@link #settle()}, of a batch that was written now
   */
  Set<Integer> write(int partition, Work batch) {
    if (!isLarge(batch.changes(), batch.bytes())) {
      if (!writeNow(partition, batch)) {
        return Set.of(partition);
      }
      written.add(partition);
      return Set.of();
    }
    CompletableFuture<Set<Integer>> before =
        underWay.isEmpty()
            ? CompletableFuture.completedFuture(Set.of())
            : underWay.getLast().lost();
    underWay.addLast(
        new UnderWay(
            partition,
            before.thenApplyAsync(lost -> writeUnlessLost(lost, partition, batch), thread)));
    return Set.of();
  }

  /** INVARIANT: after a batch that was not written none is, until the session has gone back. */
  private Set<Integer> writeUnlessLost(Set<Integer> lost, int partition, Work batch) {
    if (lost.isEmpty() && writeNow(partition, batch)) {
      return lost;
    }
    Set<Integer> all = new HashSet<>(lost);
    all.add(partition);
    return all;
  }

  /**
   * Waits for the batches that are on their way.
   *
   * @return their partitions of which nothing was written, since somebody else has moved the
   *     position in one of them; they are to be stood in anew ({@link #stand})
   * @throws OperatingFailure if one could not be written
   */
  Set<Integer> settle() {
    if (underWay.isEmpty()) {
      return Set.of();
    }
    Set<Integer> lost = done(underWay.getLast());
    if (lost.isEmpty()) {
      underWay.forEach(batch -> written.add(batch.partition()));
    }
    underWay.clear();
    return lost;
  }

  private Set<Integer> done(UnderWay batch) {
    try {
      return batch.lost().join();
    } catch (CompletionException e) {
      // The one behind it ends with it, and has written nothing.
      underWay.clear();
      if (e.getCause() instanceof Error error) {
        throw error;
      }
      throw e.getCause() instanceof RuntimeException failure ? failure : e;
    }
  }

  /** Answers false if somebody else has moved the partition's position. */
  private boolean writeNow(int partition, Work batch) {
    List<TopicChange> changes = batch.changes();
    int first = 0;
    while (first < changes.size()) {
      int end = endOfSchema(changes, first);
      useSchema(changes.get(first));
      long bytes = batch.bytes() * (end - first) / changes.size();
      if (!apply(partition, new Work(changes.subList(first, end), bytes, batch.prepared()))) {
        return false;
      }
      first = end;
    }
    return true;
  }

  /** Changes made under one version of the table's schema are written together. */
  private static int endOfSchema(List<TopicChange> changes, int first) {
    String schema = changes.get(first).change().source().schemaId();
    int end = first + 1;
    while (end < changes.size()
        && Objects.equals(changes.get(end).change().source().schemaId(), schema)) {
      end++;
    }
    return end;
  }

  /** A change that names none, of an earlier version, is taken as the tables are. */
  private void useSchema(TopicChange change) {
    String id = change.change().source().schemaId();
    if (id != null && !id.equals(schemaInUse)) {
      target.use(schemas.require(id), change.change().position());
      schemaInUse = id;
    }
  }

  private boolean apply(int partition, Work part) {
    List<TopicChange> changes = part.changes();
    AppliedPosition from = Objects.requireNonNull(standing.get(partition));
    AppliedPosition to = from.after(changes.get(changes.size() - 1));
    long started = System.nanoTime();
    if (target.apply(changes, part.prepared(), from, to) instanceof Applied.Committed committed) {
      standing.put(partition, to);
      progress.count(
          committed.counts(),
          changes.size(),
          part.bytes(),
          System.nanoTime() - started,
          clock.instant());
      return true;
    }
    return false;
  }

  /** Takes note of records that hold no change; false if somebody else has moved the position. */
  boolean advance(AppliedPosition from, long nextOffset) {
    AppliedPosition to = from.at(nextOffset);
    if (!target.advance(from, to)) {
      return false;
    }
    standing.put(from.partition(), to);
    return true;
  }

  /**
   * Reads where the target stands in a partition, and goes on from there.
   *
   * <p>INVARIANT: only in the topic that the position is in: in another one of its name the same
   * offset is another change.
   *
   * @return empty if the target has never been in step
   */
  Optional<AppliedPosition> stand(int partition, UUID topicId) {
    // Whoever moved the position may have copied the tables as they are now.
    schemaInUse = null;
    Optional<AppliedPosition> found = target.find(partition);
    if (found.isPresent()) {
      AppliedPosition position = found.get();
      if (!position.isIn(topicId)) {
        throw KafkaTopicIdentity.replaced(task);
      }
      if (position.topicId() == null) {
        target.noteTopic(topicId);
      }
      standing.put(partition, position);
    }
    return found;
  }

  /**
   * Where the target stands in a partition, without what is on its way; null if it is not held. May
   * be called while a batch is on its way.
   */
  @Nullable AppliedPosition standing(int partition) {
    return standing.get(partition);
  }

  /** Gives a partition up. */
  void leave(int partition) {
    written.remove(partition);
    AppliedPosition given = standing.remove(partition);
    if (given != null) {
      progress.forget(given);
    }
  }

  void checkAlive() {
    target.checkAlive();
  }

  /** Waits for what is on its way; the session is at its end, whatever comes of it. */
  @Override
  public void close() {
    try {
      settle();
    } catch (OperatingFailure e) {
      LOG.log(System.Logger.Level.DEBUG, "The last batch of a session failed too.", e);
    } finally {
      thread.shutdown();
      Set.copyOf(standing.keySet()).forEach(this::leave);
      target.close();
    }
  }
}
