package io.tidemark.bench;

import io.tidemark.TestStack;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalLong;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;

/**
 * Kafka Connect between two databases: Debezium's source connector, a topic, Debezium's JDBC sink.
 * Both tuned as their documentation says, and at least once.
 */
final class ConnectChain implements Followers.Peer {
  /** Where the build has unpacked the two connectors. */
  private static final Path PLUGINS = Path.of("target", "bench-plugins");

  /** Of the class path, what only we need; the connectors would find it. */
  private static final List<String> OURS =
      List.of("io/debezium", "io/quarkus", "org/jboss/narayana", "target/classes");

  private final Process process;
  private final Lab lab;
  private final String name;
  private final Tuning tuning;
  private final Path log;

  /** What the sink waits for. It writes what a poll brings, and many small polls are slow. */
  enum Tuning {
    /** The first change that comes. */
    DELAY(true, 1, 500),
    /** A good deal of changes, for a while. */
    THROUGHPUT(true, 1 << 20, 100),
    /** There is none, and the source's JSON goes without the schemas that only a sink needs. */
    CAPTURE(false, 0, 0);

    private final boolean hasSink;
    private final int fetchBytesMin;
    private final int waitMillisMax;

    Tuning(boolean hasSink, int fetchBytesMin, int waitMillisMax) {
      this.hasSink = hasSink;
      this.fetchBytesMin = fetchBytesMin;
      this.waitMillisMax = waitMillisMax;
    }

    boolean hasSink() {
      return hasSink;
    }

    int fetchBytesMin() {
      return fetchBytesMin;
    }

    int waitMillisMax() {
      return waitMillisMax;
    }
  }

  private ConnectChain(Process process, Lab lab, String name, Tuning tuning, Path log) {
    this.process = process;
    this.lab = lab;
    this.name = name;
    this.tuning = tuning;
    this.log = log;
  }

  /** Starts it, and waits until changes of all tables arrive. */
  static ConnectChain start(Lab lab, String name, List<String> tables, Tuning tuning)
      throws IOException {
    Path directory = Files.createDirectories(lab.directory().resolve("connect-" + name));
    makeTopics(lab, name, tables);
    ProcessBuilder builder =
        new ProcessBuilder(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx2g",
                "-cp",
                classPath(),
                ConnectMain.class.getName(),
                lab.brokers(),
                TestStack.text(lab.source(), "select inet_server_port()"),
                TestStack.text(lab.chain(), "select inet_server_port()"),
                name,
                "public." + String.join(",public.", tables),
                PLUGINS.toString(),
                directory.resolve("offsets").toString(),
                tuning.name()));
    // Into a file: nobody reads a pipe once it runs.
    Path log = directory.resolve("log");
    builder.redirectErrorStream(true).redirectOutput(log.toFile());
    ConnectChain chain = new ConnectChain(builder.start(), lab, name, tuning, log);
    Patience patience = new Patience("Kafka Connect");
    while (!Files.readString(log).contains(ConnectMain.READY)) {
      chain.requireAlive();
      patience.step(100);
    }
    chain.awaitFlow(tables);
    return chain;
  }

  /** A sink looks for topics that are not there yet once in five minutes. */
  private static void makeTopics(Lab lab, String name, List<String> tables) {
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", lab.brokers()))) {
      admin
          .createTopics(
              tables.stream()
                  .map(table -> new NewTopic(topics(name) + table, 1, (short) 1))
                  .toList())
          .all()
          .toCompletionStage()
          .toCompletableFuture()
          .join();
    }
  }

  private static String topics(String name) {
    return "connect_" + name + ".public.";
  }

  /** Without what the connectors bring in versions of their own, and what builds on it. */
  private static String classPath() {
    String all = System.getProperty("surefire.test.class.path");
    return Arrays.stream(all.split(File.pathSeparator))
        .filter(entry -> OURS.stream().noneMatch(entry::contains))
        .collect(Collectors.joining(File.pathSeparator));
  }

  /** A connector takes its time to begin. */
  private void awaitFlow(List<String> tables) throws IOException {
    String active =
        "select coalesce(bool_or(active), false) from pg_replication_slots where slot_name = '%s'"
            .formatted("connect_" + name);
    Patience patience = new Patience("changes through Kafka Connect; see " + log);
    while (!TestStack.text(lab.source(), active).equals("t")) {
      requireAlive();
      patience.step(100);
    }
    if (!tuning.hasSink()) {
      return;
    }
    for (String table : tables) {
      Orders.mark(lab.source(), table, "chain");
    }
    for (String table : tables) {
      while (!Orders.hasMark(lab.chain(), table, "chain")) {
        requireAlive();
        patience.step(100);
      }
    }
  }

  private void requireAlive() throws IOException {
    if (!process.isAlive()) {
      throw new IOException("Kafka Connect has failed; see " + log);
    }
  }

  Follower follower() {
    return new Follower(
        tuning.hasSink()
            ? "Kafka Connect, Debezium source and JDBC sink, tuned for "
                + tuning.name().toLowerCase(Locale.ROOT)
            : "Kafka Connect, Debezium source alone, JSON without schemas",
        lab.source(),
        "connect_" + name,
        Backend.writer(lab.chain(), "connect%"),
        lab.chain(),
        OptionalLong.of(process.pid()),
        topics(name));
  }

  @Override
  public void close() {
    process.destroyForcibly().onExit().join();
    String gone =
        "select not active from pg_replication_slots where slot_name = 'connect_" + name + "'";
    Patience patience = new Patience("the end of the slot of Kafka Connect");
    while (!TestStack.text(lab.source(), gone).equals("t")) {
      patience.step(20);
    }
    TestStack.execute(
        lab.source(), "select pg_drop_replication_slot('connect_%s')".formatted(name));
    TestStack.execute(lab.source(), "drop publication connect_" + name);
  }
}
