package io.tidemark.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.tidemark.TestStack;
import io.tidemark.embedded.EmbeddedStack.Part;
import io.tidemark.embedded.ForkedStack;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.process.TidemarkProcess;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.common.config.ConfigResource;

/**
 * What everything is measured on: a PostgreSQL for sources, one for targets and a broker, each a
 * process of its own, and the packaged program as users run it, with its defaults, beside them.
 */
final class Lab implements AutoCloseable {
  private static final Duration EXECUTION_POLL = Duration.ofMillis(20);
  private static final String HEAP = System.getProperty("bench.heap", "2g");

  private final Path directory;
  private final ForkedStack sources;
  private final ForkedStack targets;
  private final ForkedStack broker;
  private TidemarkProcess program;
  private Optional<TidemarkProcess> second = Optional.empty();
  private final ObjectMapper json = new ObjectMapper();

  private final PgDatabase source;
  private final String store;
  private final PgDatabase target;
  private final PgDatabase peer;
  private final PgDatabase chain;
  private final long sourceServer;
  private final long targetServer;

  Lab(Path directory) throws IOException {
    this.directory = directory;
    sources = ForkedStack.startOptimized(directory.resolve("sources"), Part.POSTGRES);
    targets = ForkedStack.startOptimized(directory.resolve("targets"), Part.POSTGRES);
    broker = ForkedStack.startOptimized(directory.resolve("broker"), Part.KAFKA);
    source = database(sources, "source");
    store = database(sources, "tidemark").url();
    target = database(targets, "target");
    TestStack.execute(target, "create database peer");
    TestStack.execute(target, "create database chain");
    peer = database(targets, "peer");
    chain = database(targets, "chain");
    sourceServer = postmaster(source);
    targetServer = postmaster(target);
    // A peer whose sender is held must not take the source for dead.
    TestStack.execute(target, "alter system set wal_receiver_timeout = 0");
    TestStack.execute(target, "select pg_reload_conf()");
    program = serve("program", 1);
  }

  private TidemarkProcess serve(String name, int applySessions) throws IOException {
    Map<String, String> settings = new HashMap<>();
    settings.put("kafka.bootstrap.servers", broker.bootstrapServers());
    settings.put("tidemark.store.url", store);
    settings.put("tidemark.connections.source.url", source.url());
    settings.put("tidemark.connections.target.url", target.url());
    if (applySessions != 1) {
      settings.put("tidemark.apply.sessions", Integer.toString(applySessions));
    }
    TidemarkProcess served = new TidemarkProcess(directory.resolve(name), settings, HEAP);
    served.serve();
    return served;
  }

  /** Starts the program anew with so many sessions for each table; 1 is the default. */
  void applyWith(int sessions) throws IOException {
    program.close();
    program = serve("program", sessions);
  }

  /** Starts a second instance beside the program, which shares its work. */
  void addInstance() throws IOException {
    second = Optional.of(serve("second", 1));
  }

  void removeInstance() throws IOException {
    if (second.isPresent()) {
      second.get().close();
      second = Optional.empty();
    }
  }

  /**
   * Whether the broker writes each record to disk before it answers, as the embedded one does, or
   * leaves that to the system, as brokers with replicas do by default.
   */
  void flushEachRecord(boolean flush) throws Exception {
    ConfigEntry never =
        new ConfigEntry("log.flush.interval.messages", Long.toString(Long.MAX_VALUE));
    AlterConfigOp.OpType how = flush ? AlterConfigOp.OpType.DELETE : AlterConfigOp.OpType.SET;
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", brokers()))) {
      admin
          .incrementalAlterConfigs(
              Map.of(
                  new ConfigResource(ConfigResource.Type.BROKER, ""),
                  List.of(new AlterConfigOp(never, how))))
          .all()
          .get();
    }
  }

  private static PgDatabase database(ForkedStack servers, String name) {
    String url = servers.jdbcUrl().replaceFirst("/source\\?", "/" + name + "?");
    return new PgDatabase(name, url, null, null);
  }

  private static long postmaster(PgDatabase database) {
    long backend =
        Long.parseLong(TestStack.text(database, "select min(pid) from pg_stat_activity"));
    return ProcessHandle.of(backend).flatMap(ProcessHandle::parent).orElseThrow().pid();
  }

  Path directory() {
    return directory;
  }

  String brokers() {
    return broker.bootstrapServers();
  }

  PgDatabase source() {
    return source;
  }

  PgDatabase target() {
    return target;
  }

  /** The database that PostgreSQL's own replication writes to. */
  PgDatabase peer() {
    return peer;
  }

  /** The database that Kafka Connect writes to. */
  PgDatabase chain() {
    return chain;
  }

  /** All of them, the source first. */
  List<PgDatabase> databases() {
    return List.of(source, target, peer, chain);
  }

  Follower tidemark() {
    return new Follower(
        "Tidemark",
        source,
        "tidemark%",
        Backend.writer(target, "%apply%"),
        target,
        OptionalLong.of(program.pid()),
        "tidemark.source.public.");
  }

  /** Keeps a table in step with the one of the same name, and waits until changes flow. */
  String keepInStep(String table) throws IOException {
    return keepInStep(table, "");
  }

  /**
   * @param settings further members of the configuration, each after a comma
   */
  String keepInStep(String table, String settings) throws IOException {
    String id =
        answer(
                program.post(
                    "/configurations",
                    """
                    {"name": "%1$s", "source_table": "%1$s", "target_table": "%1$s",
                     "sync_strategy": "incremental"%2$s}
                    """
                        .formatted(table, settings)))
            .get("id")
            .asText();
    Patience patience = new Patience("changes of " + table);
    while (true) {
      JsonNode now = answer(program.get("/configurations/" + id));
      if (now.get("state").asText().equals("streaming")) {
        return id;
      }
      if (now.get("state").asText().equals("failed")) {
        throw new IllegalStateException(now.toString());
      }
      patience.step(EXECUTION_POLL.toMillis());
    }
  }

  /** Takes tables away everywhere, so that they do not burden what is measured later. */
  void forget(List<String> tables) throws IOException {
    for (JsonNode one : answer(program.get("/configurations?limit=200")).get("items")) {
      if (tables.contains(one.get("name").asText())) {
        answer(program.delete("/configurations/" + one.get("id").asText()));
      }
    }
    for (PgDatabase database : databases()) {
      tables.forEach(table -> TestStack.execute(database, "drop table if exists " + table));
    }
  }

  /**
   * Runs an execution to its end and answers it.
   *
   * @param what {@code execute} or {@code verify}
   */
  JsonNode run(String configuration, String what, String body) throws IOException {
    JsonNode asked = answer(program.post("/configurations/" + configuration + "/" + what, body));
    Patience patience = new Patience("an execution");
    while (true) {
      JsonNode now = answer(program.get("/executions/" + asked.get("id").asText()));
      String status = now.get("status").asText();
      if (status.equals("completed")) {
        return now;
      }
      if (status.equals("failed") || status.equals("cancelled")) {
        throw new IllegalStateException(now.toString());
      }
      patience.step(EXECUTION_POLL.toMillis());
    }
  }

  /** How long an execution took, by its own record. */
  static double seconds(JsonNode execution) {
    Instant started = Instant.parse(execution.get("started_at").asText());
    Instant finished = Instant.parse(execution.get("finished_at").asText());
    return Duration.between(started, finished).toNanos() / 1e9;
  }

  private JsonNode answer(HttpResponse<String> response) throws IOException {
    if (response.statusCode() >= 300) {
      throw new IOException(response.statusCode() + " " + response.body());
    }
    return json.readTree(response.body());
  }

  /** Processor time that has been used so far, in seconds, by each part that works for one. */
  record Used(double program, double broker, double sender, double source, double target) {
    Used since(Used earlier) {
      return new Used(
          program - earlier.program,
          broker - earlier.broker,
          sender - earlier.sender,
          source - earlier.source,
          target - earlier.target);
    }
  }

  Used used(Follower follower) throws IOException {
    return new Used(
        follower.program().isEmpty() ? 0 : Processes.seconds(follower.program().getAsLong()),
        Processes.seconds(broker.pid()),
        follower.sender().seconds(),
        Processes.secondsOfFamily(sourceServer),
        Processes.secondsOfFamily(targetServer));
  }

  @Override
  public void close() throws IOException {
    try (sources;
        targets;
        broker) {
      removeInstance();
      program.close();
    }
  }
}
