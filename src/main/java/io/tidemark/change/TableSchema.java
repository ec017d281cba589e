package io.tidemark.change;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;

/**
 * A source table at one version of its schema, as the changes made under it have it.
 *
 * @param id a digest of all the rest: equal schemas have equal ids, whoever describes them and
 *     whenever. To a reader it is only a name, since a later version may digest more
 * @param columns in the order in which the source sends them
 */
public record TableSchema(String id, TableName table, List<Column> columns) {
  /** 64 bits: among as many schemas as one source ever has, no two meet by chance. */
  private static final int ID_BYTES = 8;

  public TableSchema {
    if (id.isEmpty()) {
      throw new IllegalArgumentException("a schema has an id");
    }
    columns = List.copyOf(columns);
  }

  /**
   * A column as its source has it.
   *
   * @param type as {@code format_type} writes it with an empty search path: usable in a cast
   * @param castType the type without its length or precision
   * @param typeOid the oid in {@code pg_type}, an unsigned 32-bit number
   * @param typeModifier length or precision as {@code pg_attribute.atttypmod} has it; -1 for none
   * @param key whether it is of the row's key
   */
  public record Column(
      String name, String type, String castType, int typeOid, int typeModifier, boolean key) {}

  /** The schema that has these columns. */
  public static TableSchema of(TableName table, List<Column> columns) {
    return new TableSchema(digest(table, columns), table, columns);
  }

  public Optional<Column> column(String name) {
    return columns.stream().filter(column -> column.name().equals(name)).findFirst();
  }

  private static String digest(TableName table, List<Column> columns) {
    StringBuilder facts = new StringBuilder();
    add(facts, table.schema());
    add(facts, table.table());
    for (Column column : columns) {
      add(facts, column.name());
      add(facts, column.type());
      add(facts, column.castType());
      add(facts, Integer.toUnsignedString(column.typeOid()));
      add(facts, Integer.toString(column.typeModifier()));
      add(facts, column.key() ? "key" : "");
    }
    byte[] hash = sha256().digest(facts.toString().getBytes(StandardCharsets.UTF_8));
    return HexFormat.of().formatHex(hash, 0, ID_BYTES);
  }

  /** Each fact with its length before it, so that no two lists of facts read the same. */
  private static void add(StringBuilder facts, String fact) {
    facts.append(fact.length()).append(':').append(fact);
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }
}
