package io.tidemark.embedded;

import java.io.IOException;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * A PostgreSQL server and a Kafka broker on this machine, holding one data directory.
 *
 * <p>Whoever starts it closes it; it registers no shutdown hook, because only its owner knows what
 * has to stop before the servers do.
 */
public final class EmbeddedStack implements AutoCloseable {

  /** What can be started. */
  public enum Part {
    POSTGRES,
    KAFKA
  }

  private interface Start<T> {
    T start() throws IOException, SQLException;
  }

  private final DataDirectory directory;
  private final @Nullable EmbeddedDatabase postgres;
  private final @Nullable EmbeddedBroker kafka;
  private final AtomicBoolean closed = new AtomicBoolean();

  private EmbeddedStack(
      DataDirectory directory,
      @Nullable EmbeddedDatabase postgres,
      @Nullable EmbeddedBroker kafka) {
    this.directory = directory;
    this.postgres = postgres;
    this.kafka = kafka;
  }

  /**
   * Starts the parts and answers when all of them are ready; when one fails, none is left running.
   *
   * @throws EmbeddedStackException with a message for the person at the keyboard
   */
  public static EmbeddedStack start(EmbeddedSettings settings, EnumSet<Part> parts) {
    DataDirectory directory = DataDirectory.lock(settings.dataDir());
    Ports ports = new Ports(directory.resolve("ports.properties"), new SplittableRandom());
    // Side by side: one waits for a disk and other processes, the other loads classes.
    ExecutorService starters = Executors.newFixedThreadPool(Part.values().length);
    try {
      CompletableFuture<@Nullable EmbeddedDatabase> postgres =
          started(
              parts.contains(Part.POSTGRES),
              starters,
              "PostgreSQL",
              () -> EmbeddedDatabase.start(directory, ports, settings.postgresPort()));
      CompletableFuture<@Nullable EmbeddedBroker> kafka =
          started(
              parts.contains(Part.KAFKA),
              starters,
              "Kafka",
              () -> EmbeddedBroker.start(directory, ports, settings.kafkaPort()));
      return join(directory, postgres, kafka);
    } finally {
      starters.shutdown();
    }
  }

  private static <T> CompletableFuture<@Nullable T> started(
      boolean wanted, ExecutorService starters, String server, Start<T> start) {
    if (!wanted) {
      return CompletableFuture.completedFuture(null);
    }
    return CompletableFuture.supplyAsync(
        () -> {
          try {
            return start.start();
          } catch (IOException | SQLException e) {
            throw new EmbeddedStackException(
                "The embedded %s did not start: %s".formatted(server, e), e);
          }
        },
        starters);
  }

  private static EmbeddedStack join(
      DataDirectory directory,
      CompletableFuture<@Nullable EmbeddedDatabase> postgres,
      CompletableFuture<@Nullable EmbeddedBroker> kafka) {
    List<Throwable> failures = new ArrayList<>();
    EmbeddedStack stack =
        new EmbeddedStack(directory, outcome(postgres, failures), outcome(kafka, failures));
    if (failures.isEmpty()) {
      return stack;
    }
    Throwable first = failures.remove(0);
    failures.forEach(first::addSuppressed);
    try {
      stack.close();
    } catch (EmbeddedStackException e) {
      first.addSuppressed(e);
    }
    if (first instanceof Error error) {
      throw error;
    }
    throw first instanceof EmbeddedStackException said
        ? said
        : new EmbeddedStackException("The embedded stack did not start: " + first, first);
  }

  // Not interruptible, so that no server is left without an owner; every start has its own bound.
  private static <T> @Nullable T outcome(
      CompletableFuture<@Nullable T> started, List<Throwable> failures) {
    try {
      return started.join();
    } catch (CompletionException e) {
      failures.add(e.getCause());
      return null;
    }
  }

  public Optional<EmbeddedDatabase> postgres() {
    return Optional.ofNullable(postgres);
  }

  public Optional<EmbeddedBroker> kafka() {
    return Optional.ofNullable(kafka);
  }

  /** Stops Kafka, then PostgreSQL, then lets go of the data directory; again does nothing. */
  @Override
  public void close() {
    if (!closed.compareAndSet(false, true)) {
      return;
    }
    List<Exception> failures = new ArrayList<>();
    attempt(failures, () -> kafka().ifPresent(EmbeddedBroker::close));
    if (postgres != null) {
      attempt(failures, postgres::close);
    }
    attempt(failures, directory::close);
    if (!failures.isEmpty()) {
      Exception first = failures.remove(0);
      EmbeddedStackException failure =
          new EmbeddedStackException(
              "The embedded stack did not stop cleanly: " + first.getMessage(), first);
      failures.forEach(failure::addSuppressed);
      throw failure;
    }
  }

  private interface Stop {
    void stop() throws IOException;
  }

  private static void attempt(List<Exception> failures, Stop stop) {
    try {
      stop.stop();
    } catch (IOException | RuntimeException e) {
      failures.add(e);
    }
  }
}
