package io.tidemark.copy;

import io.tidemark.postgres.Sql;
import io.tidemark.sync.TableMapping;
import io.tidemark.sync.TableMapping.Pair;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The statements by which both sides sum up their rows: each row falls by a hash of its key into
 * one of many buckets, and a bucket's digest is the sum of its rows' hashes, whatever their order.
 * Buckets are hashed, not ranges of keys, because two databases may sort one text differently.
 *
 * <p>INVARIANT: what is hashed is the text that each value has as a value of the target's column,
 * so that rows that are equal there have one digest on both sides. Different digests of equal rows
 * cost only a comparison; equal digests of different rows would hide a difference.
 */
final class DigestPlan {
  /** A bucket of this many rows is copied for one row in it that differs. */
  private static final int ROWS_PER_BUCKET = 16;

  private static final int BUCKETS_MIN = 64;

  /** The digests of this many buckets take 6 MB here and some 40 MB in either server. */
  private static final int BUCKETS_MAX = 1 << 18;

  private static final Set<String> INTEGERS = Set.of("smallint", "integer", "bigint");
  private static final Set<String> TEXTS = Set.of("text", "character varying");

  /** Types whose input rounds to the column's precision as a cast does. */
  private static final Set<String> TIMES =
      Set.of(
          "timestamp with time zone",
          "timestamp without time zone",
          "time with time zone",
          "time without time zone");

  private final TableMapping mapping;
  private final int buckets;
  private final List<String> sourceColumns;
  private final List<String> sourceKey;

  private DigestPlan(
      TableMapping mapping, int buckets, List<String> sourceColumns, List<String> sourceKey) {
    this.mapping = mapping;
    this.buckets = buckets;
    this.sourceColumns = sourceColumns;
    this.sourceKey = sourceKey;
  }

  /**
   * The plan, or empty if a column's types differ in such a way that the source cannot tell which
   * text the target's value will have.
   *
   * @param rows about how many there are
   */
  static Optional<DigestPlan> of(TableMapping mapping, long rows) {
    List<String> columns = new ArrayList<>();
    for (Pair pair : mapping.columns()) {
      Optional<String> text = asTarget(pair);
      if (text.isEmpty()) {
        return Optional.empty();
      }
      columns.add(text.get());
    }
    List<String> key =
        mapping.key().stream().map(pair -> columns.get(mapping.columns().indexOf(pair))).toList();
    return Optional.of(new DigestPlan(mapping, bucketsFor(rows), columns, key));
  }

  private static int bucketsFor(long rows) {
    long wanted = Math.min(BUCKETS_MAX, Math.max(BUCKETS_MIN, rows / ROWS_PER_BUCKET));
    return Integer.highestOneBit((int) (wanted * 2 - 1));
  }

  int buckets() {
    return buckets;
  }

  /** The source's value with the text that it will have in the target's column. */
  private static Optional<String> asTarget(Pair pair) {
    String column = Sql.name(pair.source().name());
    String from = pair.source().castType();
    String to = pair.target().castType();
    boolean textStays =
        pair.source().type().equals(pair.target().type())
            || TEXTS.contains(to)
            || INTEGERS.contains(from) && INTEGERS.contains(to);
    if (textStays) {
      return Optional.of(column);
    }
    boolean numeric = to.equals("numeric") && (from.equals(to) || INTEGERS.contains(from));
    boolean time = TIMES.contains(to) && from.equals(to);
    return numeric || time
        ? Optional.of("cast(" + column + " as " + pair.target().type() + ")")
        : Optional.empty();
  }

  /** Asks a server for a hash that all servers must agree about. */
  static String probe() {
    return "select " + hash("'Tidemark'", 1);
  }

  /** Answers per bucket: its number, its rows, two sums. */
  String sourceStatement() {
    String only = mapping.source().relationKind() == 'r' ? "only " : "";
    // The line break ends a comment at the filter's end.
    String where = mapping.rowFilter().map(filter -> "where (" + filter + "\n)").orElse("");
    return statement(
        sourceKey,
        sourceColumns,
        only
            + Sql.name(mapping.source().name())
            + " as "
            + Sql.name(mapping.source().name().table()),
        where);
  }

  /** Likewise. */
  String targetStatement() {
    return statement(
        names(mapping.key()), names(mapping.columns()), Difference.targetRelation(mapping), "");
  }

  private String statement(List<String> key, List<String> columns, String from, String where) {
    String row = rowText(columns.stream());
    return """
        copy (
          select %s, count(*), %s, %s
          from %s
          %s
          group by 1
        ) to stdout
        """
        .formatted(bucket(key.stream()), sum(row, 1), sum(row, 2), from, where);
  }

  /** Whether a source row is in one of these buckets. */
  String sourceRowIn(BitSet wanted) {
    byte[] bits = new byte[buckets / Byte.SIZE];
    byte[] set = wanted.toByteArray();
    System.arraycopy(set, 0, bits, 0, set.length);
    return "pg_catalog.get_bit(%s::bytea, %s) = 1"
        .formatted(Sql.literal("\\x" + HexFormat.of().formatHex(bits)), bucket(sourceKey.stream()));
  }

  /** Answers the buckets of the keys in a table that has the target's key columns. */
  String bucketsOf(String table) {
    return "copy (select distinct %s from %s) to stdout"
        .formatted(bucket(names(mapping.key()).stream()), table);
  }

  private String bucket(Stream<String> key) {
    return "(" + hash(rowText(key), 0) + " & " + (buckets - 1) + ")";
  }

  private static String sum(String text, int seed) {
    // A sum of int8 is a numeric: nothing overflows, and the order does not matter.
    return "pg_catalog.mod(sum(%s), %d)::int8".formatted(hash(text, seed), Long.MAX_VALUE);
  }

  private static String hash(String text, int seed) {
    return "pg_catalog.hashtextextended(%s collate pg_catalog.\"C\", %d)".formatted(text, seed);
  }

  /** A row's text quotes its values, so that no two rows share one, and tells null from empty. */
  private static String rowText(Stream<String> values) {
    return "row(" + values.collect(Collectors.joining(", ")) + ")::text";
  }

  private static List<String> names(List<Pair> pairs) {
    return pairs.stream().map(pair -> Sql.name(pair.target().name())).toList();
  }
}
