package io.tidemark.embedded;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Who runs on a PostgreSQL data directory, as its {@code postmaster.pid} and the system tell. */
final class PgPostmaster {

  private static final String PID_FILE = "postmaster.pid";

  private final Path cluster;

  PgPostmaster(Path cluster) {
    this.cluster = cluster;
  }

  /** The server process of this data directory, if it is alive. */
  Optional<ProcessHandle> process() throws IOException {
    Optional<ProcessHandle> named = namedProcess();
    return named.isPresent() && isOurs(named.get()) ? named : Optional.empty();
  }

  /**
   * Lets the next server start although the file names a living process that is not PostgreSQL:
   * after a restart of the machine or the container its number may belong to anybody.
   *
   * <p>The file is not deleted: PostgreSQL also finds in it the shared memory by which it refuses
   * to start beside orphaned backends. Our own number in place of the stranger's skips the first
   * check only, because pg_ctl passes it on as that of the server's grandparent.
   */
  void disownStranger() throws IOException {
    Optional<ProcessHandle> named = namedProcess();
    if (named.isEmpty() || isOurs(named.get())) {
      return;
    }
    List<String> lines = new ArrayList<>(Files.readAllLines(file()));
    lines.set(0, Long.toString(ProcessHandle.current().pid()));
    Files.write(file(), lines);
  }

  private Optional<ProcessHandle> namedProcess() throws IOException {
    if (!Files.exists(file())) {
      return Optional.empty();
    }
    List<String> lines = Files.readAllLines(file());
    if (lines.isEmpty() || !lines.get(0).strip().matches("\\d{1,18}")) {
      return Optional.empty();
    }
    return ProcessHandle.of(Long.parseLong(lines.get(0).strip())).filter(ProcessHandle::isAlive);
  }

  private boolean isOurs(ProcessHandle process) throws IOException {
    ProcessHandle.Info info = process.info();
    boolean isPostgres =
        info.command().map(Path::of).filter(path -> path.endsWith("postgres")).isPresent();
    if (!isPostgres) {
      return false;
    }
    // A server works in its data directory; that holds even when the directory was renamed since.
    Path workingDirectory = Path.of("/proc", Long.toString(process.pid()), "cwd");
    if (Files.exists(workingDirectory)) {
      return Files.isSameFile(workingDirectory, cluster);
    }
    return info.arguments().map(Arrays::asList).orElse(List.of()).contains(cluster.toString());
  }

  private Path file() {
    return cluster.resolve(PID_FILE);
  }
}
