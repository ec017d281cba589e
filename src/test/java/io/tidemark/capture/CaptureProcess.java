package io.tidemark.capture;

import java.io.BufferedReader;
import java.io.IOException;
import java.util.List;

/** An instance in another process. */
final class CaptureProcess implements AutoCloseable {
  private final Process process;
  private volatile String phase = "";

  CaptureProcess(CaptureFixture fixture) throws IOException {
    List<String> command =
        List.of(
            ProcessHandle.current().info().command().orElse("java"),
            "-Xmx256m",
            "-XX:TieredStopAtLevel=1",
            "-cp",
            System.getProperty("java.class.path"),
            CaptureMain.class.getName(),
            fixture.source.url(),
            (String) fixture.clients.get("bootstrap.servers"),
            fixture.prefix);
    process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
    Thread reader = new Thread(this::follow, "phases");
    reader.setDaemon(true);
    reader.start();
  }

  private void follow() {
    try (BufferedReader output = process.inputReader()) {
      for (String line = output.readLine(); line != null; line = output.readLine()) {
        if (line.startsWith("phase ")) {
          phase = line.substring("phase ".length());
        }
      }
    } catch (IOException e) {
      phase = "ENDED";
    }
  }

  String phase() {
    return phase;
  }

  /** As {@code kill -9} does: no hook of the process runs. */
  void kill() throws InterruptedException {
    process.destroyForcibly().waitFor();
  }

  void freeze() throws Exception {
    signal("-STOP");
  }

  void thaw() throws Exception {
    signal("-CONT");
  }

  private void signal(String signal) throws Exception {
    new ProcessBuilder("kill", signal, Long.toString(process.pid())).start().waitFor();
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }
}
