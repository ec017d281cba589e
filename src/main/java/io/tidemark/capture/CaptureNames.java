package io.tidemark.capture;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.zip.CRC32;

/**
 * The names that one source connection's capture has at the source and in Kafka.
 *
 * <p>Publication and slot share one name: {@code tidemark_<connection>_<hash>}. A slot's name takes
 * lower-case letters, digits and underscores only, so the hash of the exact names tells apart what
 * the readable part folds together.
 *
 * @param slot also the publication's name
 * @param transactionalIds of the writer's producers, in the order in which they are taken: whoever
 *     takes one fences its former holder
 * @param lock key of the advisory lock that the capturing instance holds
 */
record CaptureNames(String connection, String slot, List<String> transactionalIds, long lock) {
  /** Every logical message of ours begins with this. */
  static final String MESSAGE_PREFIX = "tidemark.";

  static final String MARK = MESSAGE_PREFIX + "mark";
  static final String HEARTBEAT = MESSAGE_PREFIX + "heartbeat";

  /** Which tables are tracked, or under which names, is another from here on. */
  static final String TRACKED = MESSAGE_PREFIX + "tracked";

  private static final int READABLE_LENGTH_MAX = 40;

  /** Apart from the capture's own lock: held while publication and slot are changed. */
  private static final long CHANGE_LOCK = 0x5469_6465_0000_0001L;

  CaptureNames {
    transactionalIds = List.copyOf(transactionalIds);
  }

  static CaptureNames of(CaptureSettings settings, String connection) {
    return of(settings.topicPrefix(), settings.installation(), connection);
  }

  static CaptureNames of(String topicPrefix, String installation, String connection) {
    CRC32 crc = new CRC32();
    crc.update(
        String.join("\0", topicPrefix, installation, connection).getBytes(StandardCharsets.UTF_8));
    String readable = connection.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9_]", "_");
    readable = readable.substring(0, Math.min(readable.length(), READABLE_LENGTH_MAX));
    String slot = String.format("tidemark_%s_%08x", readable, crc.getValue());
    long lock = 0x5469_6465L << 32 | crc.getValue();
    String first = topicPrefix + "." + connection;
    return new CaptureNames(connection, slot, List.of(first, first + ".__2"), lock);
  }

  String publication() {
    return slot;
  }

  long changeLock() {
    return lock ^ CHANGE_LOCK;
  }
}
