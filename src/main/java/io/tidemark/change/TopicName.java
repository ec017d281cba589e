package io.tidemark.change;

import java.nio.charset.StandardCharsets;
import java.util.regex.Pattern;
import java.util.zip.CRC32;

/** The names of change topics: {@code <prefix>.<connection>.<schema>.<table>}. */
public final class TopicName {
  private static final Pattern ILLEGAL = Pattern.compile("[^a-zA-Z0-9._-]");

  /** Kafka's own bound is 249. */
  private static final int LENGTH_MAX = 249;

  private static final int HASH_LENGTH = 9;

  private TopicName() {}

  /** The topic of one table's changes. */
  public static String of(String prefix, String connection, TableName table) {
    String plain = String.join(".", prefix, connection, table.schema(), table.table());
    boolean ambiguous =
        ILLEGAL.matcher(plain).find()
            || plain.length() > LENGTH_MAX
            || (table.schema() + table.table()).indexOf('.') >= 0;
    if (!ambiguous) {
      return plain;
    }
    // Kafka allows few characters. The hash keeps apart names that differ only in the others, and
    // "a.b"."c" from "a"."b.c".
    String legal = ILLEGAL.matcher(plain).replaceAll("_");
    int keep = Math.min(legal.length(), LENGTH_MAX - HASH_LENGTH);
    return legal.substring(0, keep) + "-" + hash(table);
  }

  private static String hash(TableName table) {
    CRC32 crc = new CRC32();
    crc.update((table.schema() + '\0' + table.table()).getBytes(StandardCharsets.UTF_8));
    return String.format("%08x", crc.getValue());
  }

  /** The one-partition topic that says how far a connection's capture has written. */
  public static String positionOf(String prefix, String connection) {
    return prefix + "." + connection + ".__position";
  }

  /** The one-partition topic of the schemas that a connection's changes were made under. */
  public static String schemasOf(String prefix, String connection) {
    return prefix + "." + connection + ".__schema";
  }
}
