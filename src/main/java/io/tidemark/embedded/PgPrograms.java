package io.tidemark.embedded;

import com.sun.security.auth.module.UnixSystem;
import io.tidemark.embedded.ExternalCommand.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** PostgreSQL's own programs on one data directory; each call is bounded. */
final class PgPrograms {

  enum StopMode {
    /** Ends sessions, writes a checkpoint: the next start needs no recovery. */
    FAST,
    /** Ends at once; the next start recovers from the write-ahead log. */
    IMMEDIATE
  }

  /** Takes about a second; a slow disk and a busy machine may need many times that. */
  private static final Duration INIT_BOUND = Duration.ofMinutes(2);

  /** What a killed server may need to replay a full max_wal_size of log on a slow disk. */
  private static final Duration START_BOUND = Duration.ofMinutes(3);

  /** So that our bound on pg_ctl itself never cuts off its own message about its own bound. */
  private static final Duration TOOL_GRACE = Duration.ofSeconds(5);

  private static final Duration PROBE_BOUND = Duration.ofSeconds(5);

  private static final int BUILTIN_LOCALE_SINCE = 17;

  private static final Pattern VERSION = Pattern.compile("\\(PostgreSQL\\) (\\d+)");

  private final Path binaries;
  private final List<String> prefix;
  private final ExternalCommand command;

  private PgPrograms(Path binaries, List<String> prefix, ExternalCommand command) {
    this.binaries = binaries;
    this.prefix = prefix;
    this.command = command;
  }

  static PgPrograms unpack(DataDirectory directory) throws IOException {
    ExternalCommand command = new ExternalCommand(directory.resolve("postgres-tool.log"));
    return new PgPrograms(PgBinaries.unpack(directory), prefix(command), command);
  }

  /** PostgreSQL refuses to run as root; in a user namespace of its own it is not root. */
  private static List<String> prefix(ExternalCommand command) throws IOException {
    if (new UnixSystem().getUid() != 0) {
      return List.of();
    }
    List<String> unshare = List.of("unshare", "-U");
    List<String> probe = new ArrayList<>(unshare);
    probe.add("true");
    if (canRun(command, probe)) {
      return unshare;
    }
    throw new EmbeddedStackException(
        "PostgreSQL refuses to run as root, and this system does not permit 'unshare -U', which"
            + " would go around that. Run Tidemark as an ordinary user.");
  }

  private static boolean canRun(ExternalCommand command, List<String> probe) {
    try {
      return command.run(probe, PROBE_BOUND).succeeded();
    } catch (IOException e) {
      // The program is not there: a plain no.
      return false;
    }
  }

  /** The server's release, such as 18. */
  int major() throws IOException {
    Outcome outcome = run("postgres", PROBE_BOUND, "--version");
    Matcher version = VERSION.matcher(outcome.output());
    if (!outcome.succeeded() || !version.find()) {
      throw new IOException("postgres --version answers: " + outcome.output());
    }
    return Integer.parseInt(version.group(1));
  }

  Outcome initialize(Path cluster, String user, Path passwordFile) throws IOException {
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "--pgdata=" + cluster,
                "--username=" + user,
                "--pwfile=" + passwordFile,
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C"));
    if (major() >= BUILTIN_LOCALE_SINCE) {
      // Letters as in Unicode, and sorted the same on every machine, whatever it has installed.
      arguments.addAll(List.of("--locale-provider=builtin", "--builtin-locale=C.UTF-8"));
    }
    return run("initdb", INIT_BOUND, arguments.toArray(String[]::new));
  }

  Outcome start(Path cluster, Path serverLog) throws IOException {
    return run(
        "pg_ctl",
        START_BOUND.plus(TOOL_GRACE),
        "start",
        "--wait",
        "--silent",
        "--timeout=" + START_BOUND.toSeconds(),
        "--pgdata=" + cluster,
        "--log=" + serverLog);
  }

  Outcome stop(Path cluster, StopMode mode, Duration bound) throws IOException {
    return run(
        "pg_ctl",
        bound.plus(TOOL_GRACE),
        "stop",
        "--wait",
        "--silent",
        "--timeout=" + bound.toSeconds(),
        "--mode=" + (mode == StopMode.FAST ? "fast" : "immediate"),
        "--pgdata=" + cluster);
  }

  private Outcome run(String program, Duration bound, String... arguments) throws IOException {
    Path path = binaries.resolve(program);
    if (!Files.isExecutable(path)) {
      throw new IOException(path + " is missing or cannot be executed");
    }
    List<String> line = new ArrayList<>(prefix);
    line.add(path.toString());
    line.addAll(List.of(arguments));
    return command.run(line, bound);
  }
}
