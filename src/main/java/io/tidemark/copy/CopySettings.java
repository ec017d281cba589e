package io.tidemark.copy;

import java.time.Duration;

/**
 * The bounds of a copy.
 *
 * @param workers parallel readers where a stage is filled, 1 to 32: each costs one session on
 *     either side
 * @param chunkBytes how much of the source table one COPY reads, at least 64 KiB: small enough that
 *     workers end together and read near each other, large enough that the statement costs nothing
 * @param bufferBytes what a worker gathers before it writes, 8 KiB to 64 MiB; the memory of a copy
 *     is workers × (this + one row)
 * @param lockTimeout how long to wait for a lock on the target table; its own writers wait behind
 *     us meanwhile
 * @param pace how fast rows are read at the source, by all copies with these settings together
 */
public record CopySettings(
    int workers, long chunkBytes, int bufferBytes, Duration lockTimeout, Pace pace) {
  /** Two workers keep a small machine busy; a chunk of 16 MiB is read in some tens of ms. */
  public static final CopySettings DEFAULTS =
      new CopySettings(2, 16L << 20, 256 << 10, Duration.ofSeconds(30));

  private static final int WORKERS_MAX = 32;
  private static final long CHUNK_BYTES_MIN = 64 << 10;
  private static final int BUFFER_BYTES_MIN = 8 << 10;
  private static final int BUFFER_BYTES_MAX = 64 << 20;

  public CopySettings {
    require(workers >= 1 && workers <= WORKERS_MAX, "workers is 1 to 32");
    require(chunkBytes >= CHUNK_BYTES_MIN, "a chunk is 64 KiB at least");
    require(
        bufferBytes >= BUFFER_BYTES_MIN && bufferBytes <= BUFFER_BYTES_MAX,
        "a buffer is 8 KiB to 64 MiB");
    require(lockTimeout.toMillis() >= 1, "the lock timeout is 1 ms at least");
  }

  /** As fast as it goes. */
  CopySettings(int workers, long chunkBytes, int bufferBytes, Duration lockTimeout) {
    this(workers, chunkBytes, bufferBytes, lockTimeout, Pace.FREE);
  }

  /** The same bounds, and a pace. */
  public CopySettings at(Pace pace) {
    return new CopySettings(workers, chunkBytes, bufferBytes, lockTimeout, pace);
  }

  private static void require(boolean holds, String sentence) {
    if (!holds) {
      throw new IllegalArgumentException(sentence);
    }
  }
}
