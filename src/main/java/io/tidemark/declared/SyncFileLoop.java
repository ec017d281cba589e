package io.tidemark.declared;

import io.tidemark.sync.Outcome;
import io.tidemark.sync.Refusal;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Follows the sync file: applies it at start and whenever it says something else, and tries again
 * what could not be done. A file that is not valid changes nothing.
 */
public final class SyncFileLoop implements AutoCloseable {
  private static final Logger LOG = System.getLogger(SyncFileLoop.class.getName());

  /** The file is read, not watched: watching misses files that are mounted or linked. */
  private static final Duration LOOK_EVERY = Duration.ofSeconds(2);

  /** A database that is away comes back; asking more often would only fill its log. */
  private static final Duration RETRY_EVERY = Duration.ofSeconds(15);

  private static final Duration STOP_MAX = Duration.ofSeconds(10);

  private final SyncFile file;
  private final DeclaredSyncs syncs;
  private final InstantSource clock;
  private final Duration lookEvery;
  private final Duration retryEvery;
  private final CountDownLatch stopping = new CountDownLatch(1);
  private final Thread thread = new Thread(this::run, "sync file");
  private volatile Status status;
  private @Nullable String seen;
  private Instant retryAt = Instant.MAX;

  public SyncFileLoop(SyncFile file, DeclaredSyncs syncs, InstantSource clock) {
    this(file, syncs, clock, LOOK_EVERY, RETRY_EVERY);
  }

  /** For those who cannot wait that long. */
  public SyncFileLoop(
      SyncFile file,
      DeclaredSyncs syncs,
      InstantSource clock,
      Duration lookEvery,
      Duration retryEvery) {
    this.file = file;
    this.syncs = syncs;
    this.clock = clock;
    this.lookEvery = lookEvery;
    this.retryEvery = retryEvery;
    status = new Status(file.path(), null, List.of());
  }

  /**
   * How the file is doing.
   *
   * @param appliedAt when it was last applied, whole or in part; null if it never was
   * @param problems why it is not, or not all of it; a sentence each
   */
  public record Status(Path path, @Nullable Instant appliedAt, List<String> problems) {
    public Status {
      problems = List.copyOf(problems);
    }
  }

  public Status status() {
    return status;
  }

  public void start() {
    thread.start();
  }

  private void run() {
    try {
      do {
        look();
      } while (!stopping.await(lookEvery.toMillis(), TimeUnit.MILLISECONDS));
    } catch (InterruptedException e) {
      // Only close interrupts.
      Thread.currentThread().interrupt();
    }
  }

  private void look() {
    try {
      Outcome<String> text = file.text();
      if (text.refusal().isPresent()) {
        seen = null;
        tell(text.refusal().get());
        return;
      }
      String now = text.orElseThrow(refusal -> new IllegalStateException());
      if (!now.equals(seen) || !clock.instant().isBefore(retryAt)) {
        // First, so that what fails waits for its time and is not tried at every look.
        seen = now;
        apply(now);
      }
    } catch (RuntimeException e) {
      retryAt = clock.instant().plus(retryEvery);
      LOG.log(Level.WARNING, "the sync file could not be applied", e);
      tell(List.of("it could not be applied: " + e.getMessage()), status.appliedAt());
    }
  }

  private void apply(String text) {
    Outcome<Declaration> declaration = file.read(text);
    if (declaration.refusal().isPresent()) {
      retryAt = Instant.MAX;
      tell(declaration.refusal().get());
      return;
    }
    DeclaredSyncs.Applied applied =
        syncs.apply(declaration.orElseThrow(refusal -> new IllegalStateException()));
    for (Change change : applied.changes()) {
      LOG.log(Level.INFO, () -> "sync file: " + change.action() + " " + change.subject());
    }
    retryAt = applied.problems().isEmpty() ? Instant.MAX : clock.instant().plus(retryEvery);
    tell(applied.problems(), clock.instant());
  }

  private void tell(Refusal refusal) {
    tell(List.of(refusal.detail()), status.appliedAt());
  }

  private void tell(List<String> problems, @Nullable Instant appliedAt) {
    if (!problems.equals(status.problems())) {
      problems.forEach(
          one -> LOG.log(Level.WARNING, () -> "sync file " + file.path() + ": " + one));
    }
    status = new Status(file.path(), appliedAt, problems);
  }

  @Override
  public void close() {
    stopping.countDown();
    try {
      thread.join(STOP_MAX.toMillis());
      thread.interrupt();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
