package io.tidemark.process;

import io.tidemark.Await;
import io.tidemark.embedded.SharedPrograms;
import io.tidemark.postgres.PgDatabase;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;

/**
 * The packaged program in a process of its own, with a data directory and ports of its own. What
 * the settings do not name is embedded.
 */
public final class TidemarkProcess implements AutoCloseable {
  private static final Path JAR = Path.of("target", "quarkus-app", "quarkus-run.jar");

  /**
   * How the JVM compiles the program: quickly, for a short life, unless the profile is for long
   * ones.
   */
  private static final List<String> SHORT_LIFE =
      Arrays.stream(System.getProperty("tidemark.it.jvm", "").split(" "))
          .filter(option -> !option.isBlank())
          .toList();

  private static final String HEAP = "512m";

  private static final System.Logger LOG = System.getLogger(TidemarkProcess.class.getName());

  private static final int FIRST_PORT = 12_000;
  private static final int PORTS = 8_000;
  private static final AtomicInteger NEXT_PORT =
      new AtomicInteger((int) ProcessHandle.current().pid() * 50);

  private static final String API = "/api/v1/sync/sql-sync";

  private final Path directory;
  private final Map<String, String> settings;
  private final List<String> jvm;
  private final int httpPort;
  private final int postgresPort;
  private final int kafkaPort;
  private final HttpClient http = HttpClient.newHttpClient();
  private Process process;

  TidemarkProcess(Path directory) throws IOException {
    this(directory, Map.of());
  }

  TidemarkProcess(Path directory, Map<String, String> settings) throws IOException {
    this(directory, settings, HEAP);
  }

  /**
   * @param heap most heap that it may take, as {@code -Xmx} has it
   */
  public TidemarkProcess(Path directory, Map<String, String> settings, String heap)
      throws IOException {
    this(directory, settings, heap, SHORT_LIFE);
  }

  /** With a JVM as in the field: for a load that takes longer than the start. */
  static TidemarkProcess underLoad(Path directory) throws IOException {
    return new TidemarkProcess(directory, Map.of(), HEAP, List.of());
  }

  private TidemarkProcess(
      Path directory, Map<String, String> settings, String heap, List<String> compilation)
      throws IOException {
    this.directory = Files.createDirectories(directory);
    this.settings = Map.copyOf(settings);
    jvm = Stream.concat(Stream.of("-Xmx" + heap), compilation.stream()).toList();
    httpPort = freePort();
    postgresPort = freePort();
    kafkaPort = freePort();
  }

  /**
   * A port that nobody listens on. It lies below those that systems give to outgoing connections,
   * so that it is still free when a process that was killed is started again.
   */
  private static int freePort() {
    while (true) {
      int port = FIRST_PORT + Math.floorMod(NEXT_PORT.getAndIncrement(), PORTS);
      try (ServerSocket socket = new ServerSocket(port)) {
        return socket.getLocalPort();
      } catch (IOException e) {
        LOG.log(System.Logger.Level.DEBUG, "port {0} is taken", port);
      }
    }
  }

  /** Runs a command that ends by itself and returns its exit code; output goes to {@link #log}. */
  int run(String... command) throws IOException {
    launch(command);
    awaitEnd("did not end");
    return process.exitValue();
  }

  /** Serves, and waits until it answers. */
  public void serve() throws IOException {
    // Only here: a command that ends by itself unpacks them, as on its user's machine.
    SharedPrograms.linkInto(directory.resolve("tidemark-data"));
    launch();
    Await.until(() -> new Start(isAlive(), Files.size(logFile())), Start::isOver);
  }

  /** How far a start has come: what it says meanwhile is its progress. */
  private record Start(boolean isOver, long logged) {}

  /** How far a process has come that ends by itself. */
  private record End(boolean isRunning, long logged) {}

  private void awaitEnd(String otherwise) throws IOException {
    try {
      Await.until(() -> new End(process.isAlive(), Files.size(logFile())), now -> !now.isRunning());
    } catch (AssertionError e) {
      process.destroyForcibly();
      throw new IllegalStateException(otherwise + ": " + log(), e);
    }
  }

  private Path logFile() {
    return directory.resolve("log");
  }

  private void launch(String... command) throws IOException {
    List<String> line = new ArrayList<>();
    line.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    line.addAll(jvm);
    line.add("-Dquarkus.http.port=" + httpPort);
    line.add("-Dtidemark.embedded.postgres-port=" + postgresPort);
    line.add("-Dtidemark.embedded.kafka-port=" + kafkaPort);
    settings.forEach((key, value) -> line.add("-D" + key + "=" + value));
    line.add("-jar");
    line.add(JAR.toAbsolutePath().toString());
    line.addAll(List.of(command));
    process =
        new ProcessBuilder(line)
            .directory(directory.toFile())
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.appendTo(logFile().toFile()))
            .start();
  }

  private boolean isAlive() {
    if (!process.isAlive()) {
      throw new IllegalStateException("ended with " + process.exitValue());
    }
    try {
      return send("GET", "/q/health/live", null).statusCode() == 200;
    } catch (IOException e) {
      return false;
    }
  }

  /** As {@code kill -9}: nothing of it gets to run any more. */
  public void kill() throws InterruptedException {
    process.destroyForcibly().waitFor();
  }

  public long pid() {
    return process.pid();
  }

  public HttpResponse<String> post(String path, String json) throws IOException {
    return send("POST", API + path, json);
  }

  public HttpResponse<String> delete(String path) throws IOException {
    return send("DELETE", API + path, null);
  }

  public HttpResponse<String> get(String path) throws IOException {
    return send("GET", API + path, null);
  }

  /** Whether all is well, by the readiness check. */
  HttpResponse<String> ready() throws IOException {
    return send("GET", "/q/health/ready", null);
  }

  String metrics() throws IOException {
    return send("GET", "/q/metrics", null).body();
  }

  void awaitReady(int status) {
    Await.until(() -> ready().statusCode(), now -> now == status);
  }

  private HttpResponse<String> send(String method, String path, String json) throws IOException {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + httpPort + path))
            .timeout(Await.STALL_MAX);
    if (json == null) {
      request.method(method, BodyPublishers.noBody());
    } else {
      request.header("Content-Type", "application/json");
      request.method(method, BodyPublishers.ofString(json));
    }
    try {
      return http.send(request.build(), BodyHandlers.ofString());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException(e);
    }
  }

  PgDatabase database(String name) {
    String url = "jdbc:postgresql://127.0.0.1:" + postgresPort + "/" + name;
    return new PgDatabase(name, url, "tidemark", "tidemark");
  }

  String bootstrapServers() {
    return "127.0.0.1:" + kafkaPort;
  }

  String log() throws IOException {
    return Files.readString(logFile());
  }

  /** Stops it in order. */
  @Override
  public void close() throws IOException {
    if (process == null || !process.isAlive()) {
      return;
    }
    process.destroy();
    awaitEnd("did not stop in order");
  }
}
