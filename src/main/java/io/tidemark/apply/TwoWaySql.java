package io.tidemark.apply;

import static java.util.stream.Collectors.joining;

import io.tidemark.change.RowKey;
import io.tidemark.change.TableName;
import io.tidemark.postgres.ColumnShape;
import io.tidemark.postgres.RewrittenRows;
import io.tidemark.postgres.Sql;
import io.tidemark.postgres.UniqueIndex;
import io.tidemark.sync.TableMapping;
import io.tidemark.sync.TableMapping.Pair;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * How one side of a pair of tables is looked at: its rows of some keys, locked, each with who wrote
 * it and when.
 */
final class TwoWaySql {
  private final TableName name;
  private final String table;
  private final List<String> names;
  private final List<ColumnShape> columns;
  private final List<ColumnShape> key;
  private final int timestamp;
  private final List<Long> origins;

  /**
   * @param mapping this side's table is its target
   * @param timestamp the index of the timestamp column among the mapped columns, -1 for none
   * @param origins oids that mark our writes on this side
   */
  TwoWaySql(TableMapping mapping, int timestamp, List<Long> origins) {
    name = mapping.target().name();
    table = Sql.name(name);
    names = mapping.targetNames();
    columns = mapping.columns().stream().map(Pair::target).toList();
    key = mapping.key().stream().map(Pair::target).toList();
    this.timestamp = timestamp;
    this.origins = List.copyOf(origins);
  }

  /** A key, and the other side's row of it if it is to be compared. */
  record Asked(RowKey key, @Nullable List<@Nullable String> other) {
    @Nullable String otherValue(int place) {
      return other == null ? null : other.get(place);
    }
  }

  /**
   * Answers of each row found: its place, its values, whether we wrote it, whether a statement that
   * rewrote the table did, when it was written and its timestamp column, both in microseconds since
   * 1970 UTC, and whether it differs from the other side's row.
   */
  ApplySql.Found<Asked> look() {
    JdbcFeeds<Asked> asked =
        new JdbcFeeds<Asked>().places().flag("compared", one -> one.other() != null);
    feedRow(asked);
    String text =
        """
        select d.place, array[%s]::text[],
               coalesce((pg_catalog.pg_xact_commit_timestamp_origin(t.xmin)).roident
                 = any (%s::oid[]), false),
               %s,
               coalesce(%s, 0),
               %s,
               d.compared and (%s)
        from %s
        join %s t on %s
        for update of t
        """
            .formatted(
                columns.stream().map(one -> own(one) + "::text").collect(joining(", ")),
                origins.stream().map(String::valueOf).collect(joining(",", "'{", "}'")),
                RewrittenRows.condition(name, "t.xmin"),
                micros("pg_catalog.pg_xact_commit_timestamp(t.xmin)"),
                timestamp < 0 ? "null::int8" : micros(time(columns.get(timestamp))),
                IntStream.range(0, columns.size())
                    .mapToObj(
                        i ->
                            "%s::text is distinct from d.c%d::%s::text"
                                .formatted(own(columns.get(i)), i, columns.get(i).type()))
                    .collect(joining(" or ")),
                asked.as("d"),
                table,
                sameKey());
    return new ApplySql.Found<>(text, asked);
  }

  /** The keys of rows other than the asked ones that hold unique values of theirs. */
  ApplySql.Found<Asked> holder(UniqueIndex unique) {
    JdbcFeeds<Asked> asked = new JdbcFeeds<>();
    feedRow(asked);
    String text =
        """
        select array[%s]::text[]
        from %s
        cross join %s
        join %s t on not (%s)
        cross join %s
        where %s
        for update of t
        """
            .formatted(
                key.stream().map(one -> own(one) + "::text").collect(joining(", ")),
                asked.as("d"),
                unique.of(this::otherSides, "wanted"),
                table,
                sameKey(),
                unique.of(name -> "t." + Sql.name(name), "held"),
                unique.forbids("wanted", "held"));
    return new ApplySql.Found<>(text, asked);
  }

  private String otherSides(String name) {
    int i = names.indexOf(name);
    return "d.c" + i + "::" + columns.get(i).type();
  }

  /** The key and the other side's values: {@code k0, c0}. */
  private void feedRow(JdbcFeeds<Asked> asked) {
    for (int i = 0; i < key.size(); i++) {
      int place = i;
      asked.text("k" + i, one -> one.key().value(place));
    }
    for (int i = 0; i < columns.size(); i++) {
      int place = i;
      asked.text("c" + i, one -> one.otherValue(place));
    }
  }

  private String sameKey() {
    return IntStream.range(0, key.size())
        .mapToObj(i -> own(key.get(i)) + " = d.k" + i + "::" + key.get(i).castType())
        .collect(joining(" and "));
  }

  /** All keys, for a TRUNCATE at the other side. */
  String keys() {
    return "select array[%s]::text[] from %s t"
        .formatted(key.stream().map(one -> own(one) + "::text").collect(joining(", ")), table);
  }

  private static String own(ColumnShape column) {
    return "t." + Sql.name(column.name());
  }

  /** A type without a zone is read as UTC, as {@link Guard} does. */
  private static String time(ColumnShape column) {
    return column.castType().equals("timestamp with time zone")
        ? own(column)
        : own(column) + "::timestamp at time zone 'UTC'";
  }

  private static String micros(String time) {
    return "(extract(epoch from " + time + ") * 1000000)::int8";
  }
}
