package io.tidemark.postgres;

import static java.util.stream.Collectors.joining;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * What a unique index keeps unique, as SQL: of columns, of expressions over them, of all rows or
 * some.
 *
 * @param names its name, and those of the indexes that partitions of the table have for it
 * @param columns all columns that its terms and its condition read, and those that it includes
 * @param terms what may be there once, over unqualified columns
 * @param condition which rows it is about, likewise; null for all
 * @param nullsEqual whether two nulls are one value to it
 */
public record UniqueIndex(
    Set<String> names,
    List<String> columns,
    List<String> terms,
    @Nullable String condition,
    boolean nullsEqual) {
  // The columns of expressions and of a condition are told by what the index depends on.
  private static final String OF_A_TABLE =
      """
      select array(
          select c.relname::text
          from pg_catalog.pg_class c
          where c.oid = i.indexrelid
            or c.oid in (select relid from pg_catalog.pg_partition_tree(i.indexrelid))),
        array(
          select a.attname::text
          from pg_catalog.pg_attribute a
          where a.attrelid = i.indrelid
            and (a.attnum = any (i.indkey[0:i.indnkeyatts - 1])
              or exists (
                select
                from pg_catalog.pg_depend d
                where d.classid = 'pg_catalog.pg_class'::regclass
                  and d.objid = i.indexrelid
                  and d.refclassid = 'pg_catalog.pg_class'::regclass
                  and d.refobjid = i.indrelid
                  and d.refobjsubid = a.attnum))
            and a.attnum > 0
          order by a.attnum),
        array(
          select pg_catalog.pg_get_indexdef(i.indexrelid, place, false)
          from pg_catalog.generate_series(1, i.indnkeyatts) place),
        pg_catalog.pg_get_expr(i.indpred, i.indrelid),
        i.indnullsnotdistinct
      from pg_catalog.pg_index i
      where i.indrelid = ?::oid
        and i.indisunique
        and i.indisvalid
      order by i.indexrelid
      """;

  public UniqueIndex {
    names = Set.copyOf(names);
    columns = List.copyOf(columns);
    terms = List.copyOf(terms);
  }

  /** The unique indexes of a table. */
  public static List<UniqueIndex> of(Connection connection, long tableOid) throws SQLException {
    List<UniqueIndex> indexes = new ArrayList<>();
    try (PreparedStatement statement = connection.prepareStatement(OF_A_TABLE)) {
      statement.setLong(1, tableOid);
      try (ResultSet row = statement.executeQuery()) {
        while (row.next()) {
          indexes.add(
              new UniqueIndex(
                  Set.of(texts(row, 1)),
                  List.of(texts(row, 2)),
                  List.of(texts(row, 3)),
                  row.getString(4),
                  row.getBoolean(5)));
        }
      }
    }
    return indexes;
  }

  private static String[] texts(ResultSet row, int column) throws SQLException {
    return (String[]) row.getArray(column).getArray();
  }

  /**
   * What is unique about a row, as an item of a from clause that stands behind the row's own.
   *
   * @param column makes the SQL of the row's value of each of {@link #columns}
   */
  public String of(UnaryOperator<String> column, String alias) {
    return """
        lateral (
          select %s, %s
          from (select %s) as r) as %s(%s, is_covered)"""
        .formatted(
            String.join(", ", terms),
            condition == null ? "true" : condition,
            columns.stream()
                .map(name -> column.apply(name) + " as " + Sql.name(name))
                .collect(joining(", ")),
            alias,
            places().mapToObj(i -> "u" + i).collect(joining(", ")));
  }

  /** Whether the index forbids two rows, by what is unique about each, beside one another. */
  public String forbids(String one, String other) {
    String equal = nullsEqual ? "is not distinct from" : "=";
    return places()
            .mapToObj(i -> "%1$s.u%3$d %4$s %2$s.u%3$d".formatted(one, other, i, equal))
            .collect(joining(" and "))
        + " and %s.is_covered and %s.is_covered".formatted(one, other);
  }

  private IntStream places() {
    return IntStream.range(0, terms.size());
  }
}
