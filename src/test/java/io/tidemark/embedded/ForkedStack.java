package io.tidemark.embedded;

import io.tidemark.Await;
import io.tidemark.embedded.EmbeddedStack.Part;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** An embedded stack in another process, which can be stopped or killed alone. */
public final class ForkedStack implements AutoCloseable {

  private final Process process;
  private final String answer;

  private ForkedStack(Process process, String answer) {
    this.process = process;
    this.answer = answer;
  }

  /** Starts the parts; on a data directory that was used before, on the same ports again. */
  public static ForkedStack start(Path dataDir, Part... parts) throws IOException {
    linkPrograms(dataDir, parts);
    return start(List.of(), System.getProperty("java.class.path"), dataDir, parts);
  }

  /** As {@link #start}, compiled as well as in the field: for servers that are measured. */
  public static ForkedStack startOptimized(Path dataDir, Part... parts) throws IOException {
    linkPrograms(dataDir, parts);
    return start(List.of(), List.of(), System.getProperty("java.class.path"), dataDir, parts);
  }

  private static void linkPrograms(Path dataDir, Part... parts) throws IOException {
    if (List.of(parts).contains(Part.POSTGRES)) {
      SharedPrograms.linkInto(dataDir);
    }
  }

  static ForkedStack start(List<String> prefix, String classPath, Path dataDir, Part... parts)
      throws IOException {
    return start(prefix, List.of("-XX:TieredStopAtLevel=1"), classPath, dataDir, parts);
  }

  private static ForkedStack start(
      List<String> prefix, List<String> jvm, String classPath, Path dataDir, Part... parts)
      throws IOException {
    List<String> command = new ArrayList<>(prefix);
    command.add(ProcessHandle.current().info().command().orElse("java"));
    command.add("-Xmx512m");
    command.addAll(jvm);
    command.addAll(List.of("-cp", classPath));
    command.addAll(List.of(EmbeddedMain.class.getName(), dataDir.toString()));
    Arrays.stream(parts).map(Part::name).forEach(command::add);
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    BufferedReader output = process.inputReader();
    return new ForkedStack(process, Await.answer(() -> firstAnswer(output)));
  }

  private static String firstAnswer(BufferedReader output) {
    try {
      for (String line = output.readLine(); line != null; line = output.readLine()) {
        if (line.startsWith(EmbeddedMain.READY) || line.startsWith(EmbeddedMain.REFUSED)) {
          return line;
        }
      }
      return "ended without an answer";
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  String answer() {
    return answer;
  }

  public long pid() {
    return process.pid();
  }

  /** Complete JDBC URL of the database {@code source}. */
  public String jdbcUrl() {
    return word(1);
  }

  public String bootstrapServers() {
    return word(2);
  }

  private String word(int index) {
    if (!answer.startsWith(EmbeddedMain.READY)) {
      throw new AssertionError(answer);
    }
    return answer.split(" ")[index];
  }

  /** As {@code kill -9} does: no hook of the process runs. */
  public void kill() {
    process.destroyForcibly();
    Await.until(() -> !process.isAlive());
  }

  /** Stops the servers in order. */
  @Override
  public void close() throws IOException {
    process.getOutputStream().close();
    Await.until(() -> !process.isAlive());
  }
}
