package io.tidemark.boot;

import io.quarkus.runtime.Quarkus;
import io.tidemark.embedded.EmbeddedDatabase;
import io.tidemark.embedded.EmbeddedSettings;
import io.tidemark.embedded.EmbeddedStack;
import io.tidemark.embedded.EmbeddedStack.Part;
import io.tidemark.embedded.EmbeddedStackException;
import java.util.EnumSet;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Runs the program: first the parts of the embedded stack that stand in for what is not configured,
 * then the framework with everything else, and stops them in reverse.
 */
final class Launch {
  /** Exit code when something is missing or refused before the work begins. */
  private static final int CANNOT_START = 1;

  /** The servers get this long to stop when the process is told to end. */
  private static final int STOP_SECONDS_MAX = 60;

  private static volatile @Nullable EmbeddedStack stack;
  private static volatile RunMode mode = RunMode.SERVE;

  private Launch() {}

  /** What the process was started for. */
  static RunMode mode() {
    return mode;
  }

  /** The embedded stack that runs in this process, if any part of it does. */
  static Optional<EmbeddedStack> stack() {
    return Optional.ofNullable(stack);
  }

  static int run(RunMode wanted) {
    mode = wanted;
    // A signal makes the JVM run its hooks at once and halt when they are done; this one holds the
    // halt back until the servers have stopped in their order.
    CountDownLatch ended = new CountDownLatch(1);
    Thread hook = new Thread(() -> await(ended), "wait for orderly stop");
    Runtime.getRuntime().addShutdownHook(hook);
    try {
      return runStack();
    } catch (SettingsException | EmbeddedStackException e) {
      System.err.println("tidemark: " + e.getMessage());
      return CANNOT_START;
    } finally {
      ended.countDown();
    }
  }

  private static void await(CountDownLatch ended) {
    try {
      if (!ended.await(STOP_SECONDS_MAX, TimeUnit.SECONDS)) {
        System.err.println("tidemark: did not stop within " + STOP_SECONDS_MAX + " s");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static int runStack() {
    Settings settings = Settings.read();
    EnumSet<Part> parts = EnumSet.noneOf(Part.class);
    if (settings.needsPostgres()) {
      parts.add(Part.POSTGRES);
    }
    if (!settings.hasKafka()) {
      parts.add(Part.KAFKA);
    }
    if (parts.isEmpty()) {
      return runFramework();
    }
    try (EmbeddedStack started = EmbeddedStack.start(embedded(settings.tidemark()), parts)) {
      stack = started;
      pointAt(started, settings);
      return runFramework();
    } finally {
      stack = null;
    }
  }

  private static EmbeddedSettings embedded(TidemarkConfig config) {
    return new EmbeddedSettings(
        config.dataDir().toAbsolutePath().normalize(),
        config.embedded().postgresPort(),
        config.embedded().kafkaPort());
  }

  /** Says where the embedded parts are, as if the user had configured them. */
  private static void pointAt(EmbeddedStack started, Settings settings) {
    started
        .postgres()
        .ifPresent(
            postgres -> {
              if (!settings.hasStore()) {
                System.setProperty("tidemark.store.url", postgres.jdbcUrl(EmbeddedDatabase.STORE));
              }
              for (String name : new String[] {EmbeddedDatabase.SOURCE, EmbeddedDatabase.TARGET}) {
                if (!settings.hasConnection(name)) {
                  System.setProperty(
                      "tidemark.connections." + name + ".url", postgres.jdbcUrl(name));
                }
              }
            });
    started
        .kafka()
        .ifPresent(
            kafka -> System.setProperty("kafka.bootstrap.servers", kafka.bootstrapServers()));
  }

  /** A run that ends by itself serves nobody: it takes any free port rather than a used one. */
  private static void chooseHttpPort() {
    boolean bounded = mode == RunMode.DEMO_ONCE || mode.isCheck();
    if (bounded && System.getProperty("quarkus.http.port") == null) {
      System.setProperty("quarkus.http.port", "0");
    }
  }

  private static int runFramework() {
    chooseHttpPort();
    AtomicInteger code = new AtomicInteger();
    Quarkus.run(
        TidemarkApplication.class,
        (exitCode, failure) -> {
          code.set(exitCode);
          if (failure != null) {
            System.err.println("tidemark: " + rootOf(failure));
            code.set(CANNOT_START);
          }
        });
    return code.get();
  }

  private static String rootOf(Throwable failure) {
    Throwable root = failure;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    String message = root.getMessage();
    return message == null ? root.toString() : message;
  }
}
