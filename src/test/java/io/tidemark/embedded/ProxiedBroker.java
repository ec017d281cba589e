package io.tidemark.embedded;

import io.tidemark.TcpProxy;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Properties;
import java.util.SplittableRandom;
import kafka.server.KafkaConfig;
import kafka.server.KafkaRaftServer;
import org.apache.kafka.common.utils.Time;

/**
 * A broker in this JVM whose clients all come through a proxy, also once it has told them its
 * address; only its own connections to itself do not.
 */
public final class ProxiedBroker implements AutoCloseable {
  private final DataDirectory directory;
  private final KafkaRaftServer server;
  private final TcpProxy proxy;

  private ProxiedBroker(DataDirectory directory, KafkaRaftServer server, TcpProxy proxy) {
    this.directory = directory;
    this.server = server;
    this.proxy = proxy;
  }

  public static ProxiedBroker start(Path dataDir) throws IOException {
    DataDirectory directory = DataDirectory.lock(dataDir);
    Ports ports = new Ports(directory.resolve("ports.properties"), new SplittableRandom());
    Path log = directory.ensure("kafka", EmbeddedBroker::format);
    int port = ports.free("Kafka");
    String inner = "INNER://127.0.0.1:" + ports.free("Kafka-inner");
    TcpProxy proxy = new TcpProxy(port);
    Properties settings = KafkaSettings.of(log, port, ports.free("Kafka-controller"));
    settings.setProperty("listeners", settings.getProperty("listeners") + "," + inner);
    settings.setProperty(
        "advertised.listeners", "PLAINTEXT://127.0.0.1:" + proxy.port() + "," + inner);
    settings.setProperty("inter.broker.listener.name", "INNER");
    settings.setProperty(
        "listener.security.protocol.map",
        settings.getProperty("listener.security.protocol.map") + ",INNER:PLAINTEXT");
    KafkaRaftServer server = new KafkaRaftServer(new KafkaConfig(settings, false), Time.SYSTEM);
    server.startup();
    return new ProxiedBroker(directory, server, proxy);
  }

  public TcpProxy proxy() {
    return proxy;
  }

  public String bootstrapServers() {
    return "127.0.0.1:" + proxy.port();
  }

  @Override
  public void close() throws IOException {
    proxy.close();
    server.shutdown();
    server.awaitShutdown();
    directory.close();
  }
}
