package io.tidemark.bench;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.connect.connector.policy.AllConnectorClientConfigOverridePolicy;
import org.apache.kafka.connect.json.JsonConverter;
import org.apache.kafka.connect.runtime.Worker;
import org.apache.kafka.connect.runtime.isolation.Plugins;
import org.apache.kafka.connect.runtime.rest.entities.ConnectorStateInfo;
import org.apache.kafka.connect.runtime.standalone.StandaloneConfig;
import org.apache.kafka.connect.runtime.standalone.StandaloneHerder;
import org.apache.kafka.connect.storage.FileOffsetBackingStore;

/**
 * A Kafka Connect worker without its REST server, with Debezium's source and its JDBC sink, in a
 * process of its own. Arguments: brokers, ports of the source's server and of the target's, name,
 * tables with commas, directory of the connectors, file of the offsets, {@link
 * ConnectChain.Tuning}. Ends when its input ends.
 */
final class ConnectMain {
  static final String READY = "READY";

  private ConnectMain() {}

  public static void main(String[] arguments) throws Exception {
    String brokers = arguments[0];
    String name = arguments[3];
    Map<String, String> properties =
        Map.of(
            "bootstrap.servers",
            brokers,
            "key.converter",
            JsonConverter.class.getName(),
            "value.converter",
            JsonConverter.class.getName(),
            "offset.storage.file.filename",
            arguments[6],
            "plugin.path",
            Path.of(arguments[5]).toAbsolutePath().toString(),
            "plugin.discovery",
            "only_scan");
    Plugins plugins = new Plugins(properties);
    plugins.compareAndSwapWithDelegatingLoader();
    StandaloneConfig config = new StandaloneConfig(properties);
    AllConnectorClientConfigOverridePolicy policy = new AllConnectorClientConfigOverridePolicy();
    policy.configure(Map.of());
    FileOffsetBackingStore offsets =
        new FileOffsetBackingStore(
            plugins.newInternalConverter(
                true, JsonConverter.class.getName(), Map.of("schemas.enable", "false")));
    offsets.configure(config);
    Worker worker = new Worker("bench", Time.SYSTEM, plugins, config, offsets, policy);
    StandaloneHerder herder = new StandaloneHerder(worker, "bench", policy);
    herder.start();
    ConnectChain.Tuning tuning = ConnectChain.Tuning.valueOf(arguments[7]);
    Map<String, Map<String, String>> connectors = new TreeMap<>();
    connectors.put(name + "-source", source(arguments[1], name, arguments[4], tuning));
    if (tuning.hasSink()) {
      connectors.put(name + "-sink", sink(arguments, tuning));
    }
    for (Map.Entry<String, Map<String, String>> connector : connectors.entrySet()) {
      put(herder, connector.getKey(), connector.getValue());
    }
    System.out.println(READY);
    Thread watch = new Thread(() -> watch(herder, connectors.keySet()), "watch");
    watch.setDaemon(true);
    watch.start();
    while (System.in.read() >= 0) {
      // Only the end of the input matters: it comes with the end of who started this.
    }
    System.exit(0);
  }

  private static void watch(StandaloneHerder herder, Set<String> connectors) {
    while (true) {
      connectors.forEach(connector -> requireHealthy(herder, connector));
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(200));
    }
  }

  /** Ends the process where a task has failed: nothing would be measured. */
  private static void requireHealthy(StandaloneHerder herder, String name) {
    for (ConnectorStateInfo.TaskState task : herder.connectorStatus(name).tasks()) {
      if (task.state().equals("FAILED")) {
        System.out.println(name + " failed: " + task.trace());
        System.exit(1);
      }
    }
  }

  private static void put(StandaloneHerder herder, String name, Map<String, String> config)
      throws Exception {
    CompletableFuture<Void> done = new CompletableFuture<>();
    Map<String, String> named = new TreeMap<>(config);
    named.put("name", name);
    herder.putConnectorConfig(
        name,
        named,
        false,
        (error, created) -> {
          if (error != null) {
            done.completeExceptionally(error);
          } else {
            done.complete(null);
          }
        });
    done.get();
  }

  /** With what its documentation advises for throughput. */
  private static Map<String, String> source(
      String port, String name, String tables, ConnectChain.Tuning tuning) {
    String schemas = Boolean.toString(tuning.hasSink());
    return Map.ofEntries(
        Map.entry("connector.class", "io.debezium.connector.postgresql.PostgresConnector"),
        Map.entry("tasks.max", "1"),
        Map.entry("key.converter", JsonConverter.class.getName()),
        Map.entry("key.converter.schemas.enable", schemas),
        Map.entry("value.converter", JsonConverter.class.getName()),
        Map.entry("value.converter.schemas.enable", schemas),
        Map.entry("database.hostname", "127.0.0.1"),
        Map.entry("database.port", port),
        Map.entry("database.user", "tidemark"),
        Map.entry("database.password", "tidemark"),
        Map.entry("database.dbname", "source"),
        Map.entry("topic.prefix", "connect_" + name),
        Map.entry("plugin.name", "pgoutput"),
        Map.entry("slot.name", "connect_" + name),
        Map.entry("publication.name", "connect_" + name),
        Map.entry("publication.autocreate.mode", "filtered"),
        Map.entry("table.include.list", tables),
        Map.entry("snapshot.mode", "no_data"),
        Map.entry("tombstones.on.delete", "false"),
        Map.entry("max.batch.size", "8192"),
        Map.entry("max.queue.size", "32768"),
        Map.entry("poll.interval.ms", "10"),
        Map.entry("producer.override.batch.size", "262144"),
        Map.entry("producer.override.linger.ms", "5"),
        Map.entry("producer.override.compression.type", "lz4"),
        Map.entry("topic.creation.default.partitions", "1"),
        Map.entry("topic.creation.default.replication.factor", "1"));
  }

  private static Map<String, String> sink(String[] arguments, ConnectChain.Tuning tuning) {
    return Map.ofEntries(
        Map.entry("consumer.override.fetch.min.bytes", Integer.toString(tuning.fetchBytesMin())),
        Map.entry("consumer.override.fetch.max.wait.ms", Integer.toString(tuning.waitMillisMax())),
        Map.entry("connector.class", "io.debezium.connector.jdbc.JdbcSinkConnector"),
        Map.entry("tasks.max", "1"),
        Map.entry("topics", topics(arguments[3], arguments[4])),
        Map.entry(
            "connection.url",
            "jdbc:postgresql://127.0.0.1:"
                + arguments[2]
                + "/chain?ApplicationName=connect&reWriteBatchedInserts=true"),
        Map.entry("connection.username", "tidemark"),
        Map.entry("connection.password", "tidemark"),
        Map.entry("insert.mode", "upsert"),
        Map.entry("delete.enabled", "true"),
        Map.entry("primary.key.mode", "record_key"),
        Map.entry("schema.evolution", "none"),
        Map.entry("collection.name.format", "${source.schema}.${source.table}"),
        Map.entry("batch.size", "5000"),
        Map.entry("use.reduction.buffer", "true"),
        Map.entry("dialect.postgres.unnest.insert.enabled", "true"),
        Map.entry("consumer.override.max.poll.records", "5000"),
        Map.entry("consumer.override.auto.offset.reset", "earliest"));
  }

  private static String topics(String name, String tables) {
    return Arrays.stream(tables.split(","))
        .map(table -> "connect_" + name + "." + table)
        .collect(Collectors.joining(","));
  }
}
