package io.tidemark.embedded;

import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Properties;
import java.util.Set;
import java.util.random.RandomGenerator;

/**
 * Ports on the loopback address. A port we chose ourselves is written down in the data directory
 * and used again as long as it is free, so that addresses survive a restart.
 *
 * <p>Synchronized: both servers start at the same time and must not be given the same port.
 */
final class Ports {

  // Below the ranges from which systems take the local ports of outgoing connections (32768 and up
  // on Linux, 49152 and up on macOS), so that no client occupies a port between two runs.
  private static final int CHOICE_FIRST = 20_000;
  private static final int CHOICE_END = 30_000;

  /** Tries before giving up; with half the range taken, 64 misses in a row do not happen. */
  private static final int CHOICE_TRIES_MAX = 64;

  private final Path file;
  private final RandomGenerator random;
  private final Set<Integer> given = new HashSet<>();

  Ports(Path file, RandomGenerator random) {
    this.file = file;
    this.random = random;
  }

  /** The configured port, refused when something listens there; any free port if that is 0. */
  synchronized int configuredOrFree(String server, String key, int configured) throws IOException {
    if (configured == 0) {
      return free(server);
    }
    if (!isFree(configured)) {
      throw new EmbeddedStackException(
          "Port %d on 127.0.0.1, where the embedded %s is to listen, is in use by another process."
                  .formatted(configured, server)
              + " Stop that process, or set %s to another port (0 = any free port)."
                  .formatted(key));
    }
    given.add(configured);
    return configured;
  }

  /** A free port, the same as last time if possible. */
  synchronized int free(String server) throws IOException {
    Properties kept = read();
    int last = Integer.parseInt(kept.getProperty(server, "0"));
    if (last != 0 && isFree(last) && given.add(last)) {
      return last;
    }
    int chosen = choose();
    kept.setProperty(server, Integer.toString(chosen));
    write(kept);
    return chosen;
  }

  private int choose() {
    for (int tries = 0; tries < CHOICE_TRIES_MAX; tries++) {
      int port = random.nextInt(CHOICE_FIRST, CHOICE_END);
      if (isFree(port) && given.add(port)) {
        return port;
      }
    }
    throw new EmbeddedStackException(
        "No free port between %d and %d on 127.0.0.1. Set %s and %s."
            .formatted(
                CHOICE_FIRST,
                CHOICE_END,
                EmbeddedSettings.POSTGRES_PORT_KEY,
                EmbeddedSettings.KAFKA_PORT_KEY));
  }

  private static boolean isFree(int port) {
    try (ServerSocket socket = new ServerSocket()) {
      socket.setReuseAddress(true);
      socket.bind(new InetSocketAddress(InetAddress.getByName("127.0.0.1"), port));
      return true;
    } catch (IOException e) {
      // The failure to bind is the answer.
      return false;
    }
  }

  private Properties read() throws IOException {
    Properties kept = new Properties();
    if (Files.exists(file)) {
      try (BufferedReader reader = Files.newBufferedReader(file)) {
        kept.load(reader);
      }
    }
    return kept;
  }

  private void write(Properties kept) throws IOException {
    try (BufferedWriter writer = Files.newBufferedWriter(file)) {
      kept.store(writer, "Ports chosen by Tidemark; used again as long as they are free.");
    }
  }
}
