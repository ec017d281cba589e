package io.tidemark.postgres;

import java.util.Arrays;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Which of a database's transactions one snapshot sees, as {@code pg_current_snapshot()} tells.
 *
 * @param xmin every transaction below it has ended: the snapshot sees it if it committed
 * @param xmax no transaction from here on is seen; both are 64-bit, the epoch in the upper half
 * @param running transactions between the two that had not ended
 * @param lsn the write-ahead log's end just after the snapshot was taken: what the snapshot sees
 *     was written before it, what was written after it the snapshot does not see
 */
public record SourceSnapshot(long xmin, long xmax, Set<Long> running, long lsn) {
  public SourceSnapshot {
    running = Set.copyOf(running);
    if (xmin > xmax) {
      throw new IllegalArgumentException("a snapshot's xmin is not above its xmax");
    }
  }

  /** Reads {@code xmin:xmax:xip,xip,…}. */
  public static SourceSnapshot parse(String snapshot, long lsn) {
    String[] parts = snapshot.split(":", -1);
    if (parts.length != 3) {
      throw new IllegalArgumentException("'" + snapshot + "' is not a snapshot");
    }
    Set<Long> running =
        parts[2].isEmpty()
            ? Set.of()
            : Arrays.stream(parts[2].split(",")).map(Long::valueOf).collect(Collectors.toSet());
    return new SourceSnapshot(Long.parseLong(parts[0]), Long.parseLong(parts[1]), running, lsn);
  }

  /**
   * Whether the snapshot sees a transaction that is known to have committed.
   *
   * <p>INVARIANT: the change stream has only the lower half of a transaction's id. The upper half
   * is that which puts the id nearest to {@code xmax}: PostgreSQL itself keeps all living ids
   * within 2^31 of each other, so a farther one cannot be meant.
   *
   * @param transaction the lower 32 bits of its id
   */
  public boolean sees(long transaction) {
    long id = xmax + (int) (transaction - xmax);
    return id < xmin || id < xmax && !running.contains(id);
  }
}
