package io.tidemark.embedded;

import io.tidemark.embedded.ExternalCommand.Outcome;
import io.tidemark.embedded.PgPrograms.StopMode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** One PostgreSQL server process on the data directory: made once, started, stopped. */
final class PgServer {

  private static final System.Logger LOG = System.getLogger(PgServer.class.getName());

  /** A fast stop waits until replication readers took what is left; one of them may be stuck. */
  private static final Duration FAST_STOP_BOUND = Duration.ofSeconds(20);

  /** An immediate stop only ends processes. */
  private static final Duration IMMEDIATE_STOP_BOUND = Duration.ofSeconds(10);

  /** One former log is kept; the server appends without a limit of its own between two starts. */
  private static final long LOG_BYTES_MAX = 16L * 1024 * 1024;

  private static final int LOG_TAIL_LINES = 8;

  private final PgPrograms programs;
  private final Path cluster;
  private final Path serverLog;
  private final PgPostmaster postmaster;

  private PgServer(PgPrograms programs, Path cluster, Path serverLog) {
    this.programs = programs;
    this.cluster = cluster;
    this.serverLog = serverLog;
    this.postmaster = new PgPostmaster(cluster);
  }

  /** The data directory, made if absent, with no server on it. */
  static PgServer prepare(DataDirectory directory, String user, String password)
      throws IOException {
    PgPrograms programs = PgPrograms.unpack(directory);
    Path cluster =
        directory.ensure(
            "postgres", empty -> initialize(programs, directory, empty, user, password));
    requireVersion(cluster, Integer.toString(programs.major()));
    PgServer server = new PgServer(programs, cluster, directory.resolve("postgres.log"));
    server.stopOrphan();
    return server;
  }

  private static void initialize(
      PgPrograms programs, DataDirectory directory, Path empty, String user, String password)
      throws IOException {
    Path passwordFile = directory.resolve("postgres-password");
    Files.writeString(passwordFile, password + "\n");
    try {
      Outcome outcome = programs.initialize(empty, user, passwordFile);
      if (!outcome.succeeded()) {
        throw new EmbeddedStackException(
            "PostgreSQL's initdb failed in %s:%n%s".formatted(empty, outcome.output()));
      }
    } finally {
      Files.delete(passwordFile);
    }
    PgSettings.include(empty);
  }

  private static void requireVersion(Path cluster, String version) throws IOException {
    Path file = cluster.resolve("PG_VERSION");
    String found = Files.exists(file) ? Files.readString(file).strip() : "none";
    if (!found.equals(version)) {
      throw new EmbeddedStackException(
          "%s should hold data of PostgreSQL %s but has version '%s'."
                  .formatted(cluster, version, found)
              + " Move it away, or set %s to another directory."
                  .formatted(EmbeddedSettings.DATA_DIR_KEY));
    }
  }

  /** A killed process leaves its server running; nobody else may use it, we hold the directory. */
  private void stopOrphan() throws IOException {
    Optional<ProcessHandle> orphan = postmaster.process();
    if (orphan.isPresent()) {
      LOG.log(
          System.Logger.Level.WARNING,
          "Stopping the PostgreSQL server that a killed process left behind (pid={0},"
              + " directory={1})",
          Long.toString(orphan.get().pid()),
          cluster);
      stop();
    }
    postmaster.disownStranger();
  }

  /** Starts the server and answers its process once it accepts connections. */
  ProcessHandle start(int port) throws IOException {
    PgSettings.write(cluster, port, programs.major());
    if (Files.exists(serverLog) && Files.size(serverLog) > LOG_BYTES_MAX) {
      Path former = serverLog.resolveSibling(serverLog.getFileName() + ".1");
      Files.move(serverLog, former, StandardCopyOption.REPLACE_EXISTING);
    }
    Outcome outcome = programs.start(cluster, serverLog);
    Optional<ProcessHandle> process = postmaster.process();
    if (outcome.succeeded() && process.isPresent()) {
      return process.get();
    }
    EmbeddedStackException failure =
        new EmbeddedStackException(
            "PostgreSQL did not start on port %d in %s. %s%nThe end of %s:%n%s"
                .formatted(port, cluster, outcome.output(), serverLog, logTail()));
    stopAfter(failure);
    throw failure;
  }

  private void stopAfter(EmbeddedStackException failure) {
    try {
      stop();
    } catch (IOException | EmbeddedStackException e) {
      failure.addSuppressed(e);
    }
  }

  /** Stops the server if it runs: orderly, then at once, then by force. */
  void stop() throws IOException {
    if (postmaster.process().isEmpty()) {
      return;
    }
    Outcome fast = programs.stop(cluster, StopMode.FAST, FAST_STOP_BOUND);
    if (fast.succeeded()) {
      return;
    }
    LOG.log(
        System.Logger.Level.WARNING,
        "PostgreSQL did not stop in {0} s and is stopped at once; it recovers at its next start"
            + " (answer={1})",
        FAST_STOP_BOUND.toSeconds(),
        fast.output());
    Outcome immediate = programs.stop(cluster, StopMode.IMMEDIATE, IMMEDIATE_STOP_BOUND);
    Optional<ProcessHandle> survivor = postmaster.process();
    if (immediate.succeeded() || survivor.isEmpty()) {
      return;
    }
    survivor.get().destroyForcibly();
    throw new EmbeddedStackException(
        "PostgreSQL (pid %d) in %s had to be killed: %s"
            .formatted(survivor.get().pid(), cluster, immediate.output()));
  }

  Path serverLog() {
    return serverLog;
  }

  private String logTail() throws IOException {
    if (!Files.exists(serverLog)) {
      return "(no log)";
    }
    List<String> lines = Files.readAllLines(serverLog);
    int from = Math.max(0, lines.size() - LOG_TAIL_LINES);
    return String.join(System.lineSeparator(), lines.subList(from, lines.size()));
  }
}
