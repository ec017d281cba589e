package io.tidemark.run;

import static java.util.stream.Collectors.joining;

import io.tidemark.SqlTypes.SqlType;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/**
 * A table of a random shape, with random statements over it. Rows are numbered: everything of a
 * row's key follows from its number, so that statements need not know which rows there are.
 */
final class RandomTable {
  private static final int NUMBERS = 300;
  private static final int UNIQUE_VALUES = 500;

  /** Types of keys, each with the value that a number has, all of them different. */
  private static final List<Column> KEYS =
      List.of(
          new Column("", "integer", "%s"),
          new Column("", "bigint", "(%s::bigint - 4000000000)"),
          new Column("", "text", "('k ''\"\\,{}' || %s)"),
          new Column("", "varchar(20)", "('k' || %s)"),
          new Column("", "character(9)", "('k' || %s)"),
          new Column("", "uuid", "md5((%s)::text)::uuid"),
          new Column("", "numeric", "((%s) / 10.0)"),
          new Column("", "double precision", "((%s) * 0.1::float8)"),
          new Column("", "date", "('0002-01-01 BC'::date + (%s))"),
          new Column(
              "", "timestamptz", "('2000-01-01Z'::timestamptz + (%s) * interval '1.000001')"),
          new Column("", "interval", "((%s) * interval '1 day 00:00:01')"),
          new Column("", "bytea", "int4send(%s)"),
          new Column("", "inet", "('10.0.0.0'::inet + (%s))"),
          new Column("", "jsonb", "jsonb_build_object('n', (%s))"),
          new Column("", "int4range", "int4range((%1$s), (%1$s) + 5)"),
          new Column("", "text[]", "array['a,\"', (%s)::text, null]"));

  /** A large value that no compression makes small. */
  private static final String LARGE =
      "(select string_agg(md5(g || '%s'), '') from generate_series(1, 250) g)";

  final String name;
  private final List<Column> key = new ArrayList<>();
  private final List<Column> others = new ArrayList<>();
  private final List<SqlType> types = new ArrayList<>();
  private final boolean hasUnique;
  private final boolean isRenamed;
  private final Identity identity;
  private final boolean isSourcePartitioned;
  private final boolean isTargetPartitioned;
  private final String settings;

  /** A column; the value is of a row's number. */
  private record Column(String name, String type, String value) {
    String of(String number) {
      return value.formatted(number);
    }
  }

  private enum Identity {
    PRIMARY_KEY,
    PRIMARY_KEY_AND_FULL,
    UNIQUE_INDEX,
    UNIQUE_INDEX_AND_FULL
  }

  RandomTable(String name, List<SqlType> possible, SplittableRandom random) {
    this.name = name;
    int keys = 1 + random.nextInt(3) / 2 + random.nextInt(3) / 2;
    for (int i = 0; i < keys; i++) {
      Column of = KEYS.get(random.nextInt(KEYS.size()));
      key.add(new Column("k" + i, of.type(), of.value()));
    }
    int count = random.nextInt(7);
    for (int i = 0; i < count; i++) {
      SqlType type = possible.get(random.nextInt(possible.size()));
      types.add(type);
      others.add(new Column("c " + i, type.type(), ""));
    }
    others.add(new Column("large", "text", ""));
    hasUnique = random.nextInt(3) == 0;
    isRenamed = random.nextInt(3) == 0;
    isSourcePartitioned = random.nextInt(4) == 0;
    isTargetPartitioned = random.nextInt(4) == 0;
    identity =
        isSourcePartitioned
            ? Identity.PRIMARY_KEY
            : Identity.values()[random.nextInt(Identity.values().length)];
    int[] sizes = {1, 7, 100, 1000, 50_000};
    settings =
        """
        , "batch_size": %d, "sync_strategy": "%s", "conflict_resolution": "%s"
        """
            .formatted(
                sizes[random.nextInt(sizes.length)],
                random.nextBoolean() ? "merge" : "incremental",
                random.nextBoolean() ? "manual" : "source_wins");
  }

  /** What a configuration of it has beside the names. */
  String settings() {
    if (!isRenamed) {
      return settings;
    }
    return settings
        + ", \"columns\": "
        + columns()
            .map(one -> "\"%s\": \"%s\"".formatted(one, target(one)))
            .collect(joining(", ", "{", "}"));
  }

  private Stream<String> columns() {
    Stream<String> names = Stream.concat(key.stream(), others.stream()).map(Column::name);
    return hasUnique ? Stream.concat(names, Stream.of("u")) : names;
  }

  private String target(String column) {
    return isRenamed ? "to " + column : column;
  }

  private static String quoted(String column) {
    return "\"" + column + "\"";
  }

  String atSource() {
    String table = make(column -> column, isSourcePartitioned);
    return switch (identity) {
      case PRIMARY_KEY, UNIQUE_INDEX -> table;
      case PRIMARY_KEY_AND_FULL, UNIQUE_INDEX_AND_FULL ->
          table + "alter table " + name + " replica identity full;";
    };
  }

  /** With a column of its own, and the columns in another order. */
  String atTarget() {
    return make(this::target, isTargetPartitioned)
        + "alter table %s add column own int default 7;".formatted(name);
  }

  private String make(UnaryOperator<String> named, boolean isPartitioned) {
    String keys = key.stream().map(one -> quoted(named.apply(one.name()))).collect(joining(", "));
    String columns =
        Stream.concat(key.stream(), others.stream())
            .map(
                one ->
                    quoted(named.apply(one.name()))
                        + " "
                        + one.type()
                        + (key.contains(one) ? " not null" : ""))
            .collect(joining(", "));
    String unique = isSourcePartitioned || isTargetPartitioned ? "" : " unique";
    StringBuilder sql =
        new StringBuilder(
            "create table %s (%s%s)%s;\n"
                .formatted(
                    name,
                    columns,
                    hasUnique ? ", " + quoted(named.apply("u")) + " int" + unique : "",
                    isPartitioned ? " partition by hash (" + quoted(named.apply("k0")) + ")" : ""));
    if (isPartitioned) {
      for (int i = 0; i < 3; i++) {
        sql.append(
            "create table %1$s_%2$d partition of %1$s for values with (modulus 3, remainder %2$d);\n"
                .formatted(name, i));
      }
    }
    if (identity == Identity.UNIQUE_INDEX || identity == Identity.UNIQUE_INDEX_AND_FULL) {
      sql.append("create unique index %1$s_key on %1$s (%2$s);\n".formatted(name, keys));
      if (!isPartitioned) {
        sql.append("alter table %1$s replica identity using index %1$s_key;\n".formatted(name));
      }
    } else {
      sql.append("alter table %s add primary key (%s);\n".formatted(name, keys));
    }
    return sql.toString();
  }

  /** The content of either side's table, for comparison. */
  String content(boolean ofTarget) {
    String row =
        columns()
            .map(column -> quoted(ofTarget ? target(column) : column))
            .collect(joining(", ", "row(", ")::text"));
    return "select count(*) || ' rows ' || coalesce(md5(string_agg(%1$s, ',' order by %1$s)), '') from %2$s"
        .formatted(row, name);
  }

  /** A statement, or a few that belong together. */
  String statement(SplittableRandom random) {
    int n = random.nextInt(NUMBERS);
    int m = random.nextInt(NUMBERS);
    return switch (random.nextInt(14)) {
      case 0, 1, 2 -> insert(random, n, " on conflict do nothing");
      case 3 -> insert(random, n, upsert(random));
      case 4, 5, 6 -> update(random, "where " + isRow(n));
      case 7 -> update(random, "where hashtext(" + quoted("k0") + "::text) % 7 = " + n % 7);
      case 8 -> "delete from %s where %s".formatted(name, isRow(n));
      case 9 -> move(n, m);
      case 10 -> swap(n, m);
      case 11 ->
          // One row that goes and comes again, its large value with it or another's.
          "delete from %s where %s; ".formatted(name, isRow(n))
              + insert(random, n, " on conflict do nothing")
              + "; "
              + update(random, "where " + isRow(n));
      case 12 -> several(random, n);
      default ->
          random.nextInt(30) == 0
              ? "truncate " + name
              : "delete from %s where %s".formatted(name, isRow(m));
    };
  }

  private String isRow(int number) {
    return key.stream()
        .map(one -> quoted(one.name()) + " = " + one.of(String.valueOf(number)) + "::" + one.type())
        .collect(joining(" and "));
  }

  private String keyOf(String number) {
    return key.stream().map(one -> one.of(number)).collect(joining(", "));
  }

  private List<String> values(SplittableRandom random) {
    List<String> values = new ArrayList<>();
    for (SqlType type : types) {
      values.add(random.nextInt(5) == 0 ? "null" : type.value(random.nextInt(8)));
    }
    values.add(
        switch (random.nextInt(3)) {
          case 0 -> "null";
          case 1 -> "'short'";
          default -> LARGE.formatted(random.nextInt(10_000));
        });
    if (hasUnique) {
      values.add(random.nextInt(4) == 0 ? "null" : String.valueOf(random.nextInt(UNIQUE_VALUES)));
    }
    return values;
  }

  private String insert(SplittableRandom random, int number, String onConflict) {
    return "insert into %s (%s) values (%s, %s)%s"
        .formatted(
            name,
            columns().map(RandomTable::quoted).collect(joining(", ")),
            keyOf(String.valueOf(number)),
            String.join(", ", values(random)),
            onConflict);
  }

  private String upsert(SplittableRandom random) {
    return " on conflict (%s) do update set %s"
        .formatted(
            key.stream().map(one -> quoted(one.name())).collect(joining(", ")),
            assignments(random));
  }

  private String update(SplittableRandom random, String where) {
    return "update %s set %s %s".formatted(name, assignments(random), where);
  }

  /** Some of the columns get other values. */
  private String assignments(SplittableRandom random) {
    List<String> values = values(random);
    List<String> names = columns().skip(key.size()).toList();
    List<String> all = new ArrayList<>();
    for (int i = 0; i < names.size(); i++) {
      if (random.nextInt(3) == 0) {
        all.add(quoted(names.get(i)) + " = " + values.get(i));
      }
    }
    return all.isEmpty() ? "large = " + name + ".large" : String.join(", ", all);
  }

  private String move(int from, int to) {
    return "update %s set (%s) = row(%s) where %s and not exists (select from %s where %s)"
        .formatted(
            name,
            key.stream().map(one -> quoted(one.name())).collect(joining(", ")),
            keyOf(String.valueOf(to)),
            isRow(from),
            name,
            isRow(to));
  }

  /** Two rows take each other's key, by way of one that no row has. */
  private String swap(int one, int other) {
    int free = NUMBERS + 1;
    return String.join("; ", move(one, free), move(other, one), move(free, other));
  }

  private String several(SplittableRandom random, int from) {
    return "insert into %s (%s) select %s, %s from generate_series(%d, %d) g on conflict do nothing"
        .formatted(
            name,
            columns()
                .limit((long) key.size() + others.size())
                .map(RandomTable::quoted)
                .collect(joining(", ")),
            keyOf("g"),
            values(random).stream().limit(others.size()).collect(joining(", ")),
            from,
            from + random.nextInt(40));
  }

  @Override
  public String toString() {
    return atSource() + atTarget() + settings();
  }
}
