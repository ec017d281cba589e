package io.tidemark.copy;

import io.tidemark.change.TableName;
import io.tidemark.postgres.Sql;
import io.tidemark.sync.TableMapping;
import io.tidemark.sync.TableMapping.Pair;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * The statements by which both sides sum up their rows: each row falls by a hash of its key into
 * one of many buckets, and a bucket's digest is its number of rows and the sum of their hashes,
 * whatever their order. Buckets are hashed, not ranges of keys, because two databases may sort one
 * text differently.
 *
 * <p>INVARIANT: what is hashed is the content that each value has as a value of the target's
 * column, to the last digit: equality, which takes 1.0 for 1.00, is not enough. Different digests
 * of equal rows cost only a comparison; equal digests of different rows would hide a difference,
 * and come by chance once in 2^64 buckets that differ.
 */
final class DigestPlan {
  /** A bucket of this many rows is copied for one row in it that differs. */
  private static final int ROWS_PER_BUCKET = 16;

  private static final int BUCKETS_MIN = 64;

  /** The digests of this many buckets take 4 MB on each side here, and some 30 MB in a server. */
  private static final int BUCKETS_MAX = 1 << 18;

  private static final Set<String> INTEGERS = Set.of("smallint", "integer", "bigint");
  private static final Set<String> TEXTS = Set.of("text", "character varying");

  /** Types of which equal values are the same, so that their own hash tells all of them apart. */
  private static final Set<String> EXACT =
      Set.of(
          "boolean",
          "smallint",
          "integer",
          "bigint",
          "uuid",
          "bytea",
          "date",
          "timestamp with time zone",
          "timestamp without time zone");

  // The same hash of each exact type, and of a text, on both sides, whatever their versions are.
  private static final String PROBE =
      """
      select pg_catalog.hash_record_extended(
        row(true, 7::int2, -7::int4, 7::int8, 'Tidemark'::text collate pg_catalog."C", null::text,
            '00000000-0000-0000-0000-000000000007'::uuid, '\\x07'::bytea, '2024-02-29'::date,
            '2024-02-29 12:00:00+00'::timestamptz, '2024-02-29 12:00:00'::timestamp), 1)
      """;

  /** Types whose input rounds to the column's precision as a cast does. */
  private static final Set<String> TIMES =
      Set.of(
          "timestamp with time zone",
          "timestamp without time zone",
          "time with time zone",
          "time without time zone");

  private final TableMapping mapping;
  private final int buckets;

  /** Source values as values of the target's columns. */
  private final Map<Pair, String> sourceValues;

  private DigestPlan(TableMapping mapping, int buckets, Map<Pair, String> sourceValues) {
    this.mapping = mapping;
    this.buckets = buckets;
    this.sourceValues = sourceValues;
  }

  /**
   * The plan, or empty if a column's types differ in such a way that the source cannot tell which
   * text the target's value will have.
   *
   * @param rows about how many there are
   */
  static Optional<DigestPlan> of(TableMapping mapping, long rows) {
    Map<Pair, String> values = new HashMap<>();
    for (Pair pair : mapping.columns()) {
      asTarget(pair).ifPresent(value -> values.put(pair, value));
    }
    return values.size() == mapping.columns().size()
        ? Optional.of(new DigestPlan(mapping, bucketsFor(rows), values))
        : Optional.empty();
  }

  private static int bucketsFor(long rows) {
    long wanted = Math.min(BUCKETS_MAX, Math.max(BUCKETS_MIN, rows / ROWS_PER_BUCKET));
    return Integer.highestOneBit((int) (wanted * 2 - 1));
  }

  int buckets() {
    return buckets;
  }

  /**
   * A source's value as one of the target's column, or as one that prints the same; empty if the
   * source cannot tell.
   */
  private static Optional<String> asTarget(Pair pair) {
    String column = Sql.name(pair.source().name());
    String from = pair.source().castType();
    String to = pair.target().castType();
    boolean stays =
        pair.source().type().equals(pair.target().type())
            || TEXTS.contains(from) && TEXTS.contains(to)
            || INTEGERS.contains(from) && INTEGERS.contains(to);
    if (stays || TEXTS.contains(to)) {
      return Optional.of(column);
    }
    boolean numeric = to.equals("numeric") && (from.equals(to) || INTEGERS.contains(from));
    boolean time = TIMES.contains(to) && from.equals(to);
    return numeric || time
        ? Optional.of("cast(" + column + " as " + pair.target().type() + ")")
        : Optional.empty();
  }

  /** What of a source's value is hashed. */
  String ofSource(Pair pair) {
    String from = pair.source().castType();
    String to = pair.target().castType();
    boolean printed = TEXTS.contains(to) && !TEXTS.contains(from);
    return printed ? text(sourceValues.get(pair)) : hashed(sourceValues.get(pair), to);
  }

  private static String hashed(String value, String type) {
    if (EXACT.contains(type)) {
      return value;
    }
    return TEXTS.contains(type) ? byBytes(value) : text(value);
  }

  /** The text that the value's type prints, null for null. */
  private static String text(String value) {
    return byBytes(
        "case when %1$s is distinct from null then pg_catalog.concat(%1$s) end".formatted(value));
  }

  /** Some collations take different texts for one. */
  private static String byBytes(String text) {
    return "(" + text + ") collate pg_catalog.\"C\"";
  }

  /** What of a target's value is hashed. */
  static String ofTarget(Pair pair) {
    return hashed(Sql.name(pair.target().name()), pair.target().castType());
  }

  /** Asks a server for a hash that all servers must agree about. */
  static String probe() {
    return PROBE;
  }

  /** The text that a source's value has as a value of the target's column. */
  String sourceText(Pair pair) {
    return "(" + sourceValues.get(pair) + ")::text";
  }

  /** The source table, with the alias by which a filter may name it. */
  String sourceRelation() {
    String only = mapping.source().relationKind() == 'r' ? "only " : "";
    TableName table = mapping.source().name();
    return only + Sql.name(table) + " as " + Sql.name(table.table());
  }

  /** Which rows of the source are meant, as an expression over its columns. */
  String sourceFilter() {
    // The line break ends a comment at the filter's end.
    return mapping.rowFilter().map(filter -> "(" + filter + "\n)").orElse("true");
  }

  /** Answers per bucket: its number, its rows, the sum of their hashes. */
  String sourceStatement() {
    return statement(this::ofSource, sourceRelation(), "where " + sourceFilter());
  }

  /** Likewise. */
  String targetStatement() {
    return statement(DigestPlan::ofTarget, Difference.targetRelation(mapping), "");
  }

  private String statement(Function<Pair, String> value, String from, String where) {
    // A row's hash is a linear combination of its values' hashes: hashed once more, so that two
    // rows that swap their values do not have the same sum. A sum of int8 cannot overflow.
    return """
        copy (
          select %s, count(*),
                 pg_catalog.mod(sum(pg_catalog.hashint8extended(%s, 2)), %d)::int8
          from %s
          %s
          group by 1
        ) to stdout
        """
        .formatted(bucket(value), rowHash(mapping.columns(), value), Long.MAX_VALUE, from, where);
  }

  /** Whether a source row is in one of these buckets. */
  String sourceRowIn(BitSet wanted) {
    return rowIn(wanted, this::ofSource);
  }

  /** Likewise of a target row. */
  String targetRowIn(BitSet wanted) {
    return rowIn(wanted, DigestPlan::ofTarget);
  }

  private String rowIn(BitSet wanted, Function<Pair, String> value) {
    byte[] bits = new byte[buckets / Byte.SIZE];
    byte[] set = wanted.toByteArray();
    System.arraycopy(set, 0, bits, 0, set.length);
    return "pg_catalog.get_bit(%s::bytea, %s) = 1"
        .formatted(Sql.literal("\\x" + HexFormat.of().formatHex(bits)), bucket(value));
  }

  /** Answers the buckets of the keys in a table that has the target's key columns. */
  String bucketsOf(String table) {
    return "copy (select distinct %s from %s) to stdout"
        .formatted(bucket(DigestPlan::ofTarget), table);
  }

  private String bucket(Function<Pair, String> value) {
    return "(" + rowHash(mapping.key(), value) + " & " + (buckets - 1) + ")";
  }

  /** One hash of several values. */
  static String rowHash(List<Pair> columns, Function<Pair, String> value) {
    return columns.stream()
        .map(value)
        .collect(Collectors.joining(", ", "pg_catalog.hash_record_extended(row(", "), 1)"));
  }
}
