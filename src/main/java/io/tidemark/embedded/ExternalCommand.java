package io.tidemark.embedded;

import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A program of PostgreSQL, run to its end within a bound. */
final class ExternalCommand {

  /** What the program answered; the output is standard output and error together. */
  record Outcome(int exitCode, String output) {
    boolean succeeded() {
      return exitCode == 0;
    }
  }

  private static final int EXIT_CODE_TIMED_OUT = -1;

  // Output goes to a file and not through a pipe: a server that pg_ctl leaves behind could keep a
  // pipe open, and reading it to its end would then never end.
  private final Path outputFile;

  ExternalCommand(Path outputFile) {
    this.outputFile = outputFile;
  }

  /** Runs it; when it outlives the bound it is killed and counts as failed. */
  Outcome run(List<String> command, Duration bound) throws IOException {
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(outputFile.toFile());
    // Nothing of the caller's PostgreSQL clients may redirect our server, and messages stay
    // English.
    builder.environment().keySet().removeIf(name -> name.startsWith("PG"));
    builder.environment().put("LC_ALL", "C");
    Process process = builder.start();
    process.getOutputStream().close();
    // Not interruptible on purpose: an interrupted stop must still stop the server, and the wait is
    // bounded anyway.
    Process ended =
        process.onExit().completeOnTimeout(process, bound.toMillis(), TimeUnit.MILLISECONDS).join();
    if (ended.isAlive()) {
      ended.destroyForcibly();
      return new Outcome(
          EXIT_CODE_TIMED_OUT, output() + "\nStopped after " + bound.toSeconds() + " s.");
    }
    return new Outcome(ended.exitValue(), output());
  }

  private String output() throws IOException {
    return new String(Files.readAllBytes(outputFile), Charset.defaultCharset()).strip();
  }
}
