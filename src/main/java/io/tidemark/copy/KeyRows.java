package io.tidemark.copy;

import io.tidemark.change.RowKey;
import io.tidemark.change.TableName;
import io.tidemark.postgres.ColumnShape;
import io.tidemark.postgres.PgSession;
import io.tidemark.postgres.Sql;
import io.tidemark.sync.TableMapping;
import io.tidemark.sync.TableMapping.Pair;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Keys as rows of a statement, to find the rows of a stage by: one text array per key column, each
 * element cast to the target's column, which rounds a key as loading the stage has rounded it.
 */
public final class KeyRows {
  /** Keys in one statement at most. */
  static final int KEYS_MAX = 5_000;

  private final List<ColumnShape> columns;

  public KeyRows(TableMapping mapping) {
    columns = mapping.key().stream().map(Pair::target).toList();
  }

  /**
   * Removes the rows of these keys from a stage that has its key index.
   *
   * @return how many were there
   */
  public long remove(PgSession session, TableName stage, List<RowKey> keys) {
    return count(
        session,
        keys,
        """
        with gone as (
          delete from %s as s
          using %s
          where %s
          returning 1)
        select count(*)
        from gone
        """
            .formatted(Sql.name(stage), rows(), matches("s")));
  }

  /** Moves the rows of these keys from a stage to another table of its columns. */
  long move(
      PgSession session, TableName from, TableName to, TableMapping mapping, List<RowKey> keys) {
    String moved = Sql.names(mapping.targetNames());
    return count(
        session,
        keys,
        """
        with gone as (
          delete from %s as s
          using %s
          where %s
          returning %s),
        put as (
          insert into %s (%s)
          select %s
          from gone
          returning 1)
        select count(*)
        from put
        """
            .formatted(
                Sql.name(from),
                rows(),
                matches("s"),
                Difference.columns("s", mapping.columns()),
                Sql.name(to),
                moved,
                moved));
  }

  /** Puts keys into a table of the key's columns. */
  void insert(PgSession session, TableName table, List<RowKey> keys) {
    count(
        session,
        keys,
        """
        with put as (
          insert into %s
          select %s
          from %s
          returning 1)
        select count(*)
        from put
        """
            .formatted(Sql.name(table), join(this::value), rows()));
  }

  private long count(PgSession session, List<RowKey> keys, String sql) {
    long count = 0;
    for (int from = 0; from < keys.size(); from += KEYS_MAX) {
      List<RowKey> some = keys.subList(from, Math.min(keys.size(), from + KEYS_MAX));
      Object[] parameters =
          IntStream.range(0, columns.size())
              .mapToObj(i -> Sql.textArray(some.stream().map(key -> key.value(i)).toList()))
              .toArray();
      count += session.number(sql, parameters);
    }
    return count;
  }

  private String rows() {
    return "unnest(%s) as u(%s)".formatted(join(i -> "?::text[]"), join(i -> "k" + i));
  }

  private String matches(String alias) {
    return IntStream.range(0, columns.size())
        .mapToObj(i -> alias + "." + Sql.name(columns.get(i).name()) + " = " + value(i))
        .collect(Collectors.joining(" and "));
  }

  private String value(int index) {
    return "u.k" + index + "::" + columns.get(index).type();
  }

  private String join(Function<Integer, String> text) {
    return IntStream.range(0, columns.size())
        .mapToObj(text::apply)
        .collect(Collectors.joining(", "));
  }
}
