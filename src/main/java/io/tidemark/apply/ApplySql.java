package io.tidemark.apply;

import static java.util.stream.Collectors.joining;

import io.tidemark.postgres.ColumnShape;
import io.tidemark.postgres.Sql;
import io.tidemark.sync.TableMapping;
import io.tidemark.sync.TableMapping.Pair;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/**
 * The statements that write one mapping's rows. Each takes one text array per column and casts its
 * elements to the column's type: the server reads its own text, so every type survives.
 *
 * <p>Parameters are numbered by the order of columns that each method names.
 */
final class ApplySql {
  private final TableMapping mapping;
  private final String table;
  private final List<ColumnShape> columns;
  private final List<ColumnShape> key;
  private final int serverMajor;

  ApplySql(TableMapping mapping, int serverMajor) {
    this.mapping = mapping;
    this.serverMajor = serverMajor;
    table = Sql.name(mapping.target().name());
    columns = mapping.columns().stream().map(Pair::target).toList();
    key = mapping.key().stream().map(Pair::target).toList();
  }

  /**
   * Deletes, then upserts; parameters: the key columns of the deletes, then all columns of the
   * upserts. Answers one row: inserted, updated, deleted.
   *
   * <p>INVARIANT: the insert reads the count of deleted rows, so every delete is done before the
   * first insert: a unique value that a deleted row held is free for an inserted one.
   */
  String deleteAndUpsert() {
    return """
        with gone as (
          delete from %1$s t
          using unnest(%2$s) d(%3$s)
          where %4$s
          returning 1),
        put as (
          insert into %1$s (%5$s)%6$s
          select %7$s
          from unnest(%8$s) u(%9$s)
          where (select count(*) from gone) >= 0
          on conflict (%10$s) %11$s
          returning %12$s as inserted)
        select count(*) filter (where inserted), count(*) filter (where not inserted),
               (select count(*) from gone)
        from put
        """
        .formatted(
            table,
            arrays(key.size()),
            aliases("k", key.size()),
            keyIs("k"),
            names(columns),
            overriding(),
            casts("u", columns),
            arrays(columns.size()),
            aliases("c", columns.size()),
            names(key),
            onConflict(),
            insertedMark());
  }

  /**
   * Writes the present columns of rows that the target has; parameters: the place of each row in
   * the call, the key columns, the present columns. Answers the places of the rows found.
   *
   * @param present whether the mapping's column at this index has a value
   */
  String patch(IntPredicate present) {
    List<ColumnShape> written = nonKeyWhere(present);
    if (written.isEmpty()) {
      // Nothing but the key is known; the row need only be there.
      return """
          select d.place
          from unnest(?::int4[], %2$s) d(place, %3$s)
          join %1$s t on %4$s
          """
          .formatted(table, arrays(key.size()), aliases("k", key.size()), keyIs("k"));
    }
    return update(written);
  }

  /**
   * Gives rows another key and writes their present columns; parameters: the place of each row in
   * the call, the old key's columns, then the present columns, the key's always among them. Answers
   * the places of the rows found.
   */
  String move(IntPredicate present) {
    List<ColumnShape> written = new ArrayList<>();
    for (int i = 0; i < columns.size(); i++) {
      if (present.test(i)) {
        written.add(columns.get(i));
      }
    }
    return update(written);
  }

  /** Finds rows by the key columns given and writes these columns; parameters in that order. */
  private String update(List<ColumnShape> written) {
    return """
        update %1$s t
        set %2$s
        from unnest(?::int4[], %3$s, %4$s) d(place, %5$s, %6$s)
        where %7$s
        returning d.place
        """
        .formatted(
            table,
            assignments(written),
            arrays(key.size()),
            arrays(written.size()),
            aliases("k", key.size()),
            aliases("c", written.size()),
            keyIs("k"));
  }

  /** Empties the table; refused by the server while a foreign key refers to it. */
  String truncate() {
    return "truncate table " + table;
  }

  /** Empties a table that foreign keys refer to. */
  String deleteAll() {
    return "delete from " + table;
  }

  /** The mapping's indexes of the present columns that are not of the key. */
  int[] patchedColumns(IntPredicate present) {
    return IntStream.range(0, columns.size())
        .filter(i -> present.test(i) && !key.contains(columns.get(i)))
        .toArray();
  }

  private List<ColumnShape> nonKeyWhere(IntPredicate present) {
    return IntStream.of(patchedColumns(present)).mapToObj(columns::get).toList();
  }

  private String keyIs(String alias) {
    return IntStream.range(0, key.size())
        .mapToObj(
            i -> "t." + Sql.name(key.get(i).name()) + " = " + cast("d." + alias + i, key.get(i)))
        .collect(joining(" and "));
  }

  private String onConflict() {
    List<ColumnShape> others = mapping.others().stream().map(Pair::target).toList();
    if (others.isEmpty()) {
      return "do nothing";
    }
    return "do update set "
        + join(
            others, column -> Sql.name(column.name()) + " = excluded." + Sql.name(column.name()));
  }

  /** Whether a returned row is new. PostgreSQL 18 says so; before, a new row has no locker yet. */
  private String insertedMark() {
    return serverMajor >= 18 ? "(old." + Sql.name(key.get(0).name()) + " is null)" : "(xmax = 0)";
  }

  private String overriding() {
    boolean identity =
        columns.stream()
            .anyMatch(column -> column.generation() == ColumnShape.Generation.IDENTITY_ALWAYS);
    return identity ? " overriding system value" : "";
  }

  private static String assignments(List<ColumnShape> written) {
    return IntStream.range(0, written.size())
        .mapToObj(i -> Sql.name(written.get(i).name()) + " = " + cast("d.c" + i, written.get(i)))
        .collect(joining(", "));
  }

  private static String casts(String row, List<ColumnShape> of) {
    return IntStream.range(0, of.size())
        .mapToObj(i -> cast(row + ".c" + i, of.get(i)))
        .collect(joining(", "));
  }

  private static String cast(String expression, ColumnShape column) {
    return expression + "::" + column.castType();
  }

  private static String arrays(int count) {
    return IntStream.range(0, count).mapToObj(i -> "?::text[]").collect(joining(", "));
  }

  private static String aliases(String prefix, int count) {
    return IntStream.range(0, count).mapToObj(i -> prefix + i).collect(joining(", "));
  }

  private static String names(List<ColumnShape> of) {
    return join(of, column -> Sql.name(column.name()));
  }

  private static String join(List<ColumnShape> of, Function<ColumnShape, String> text) {
    return of.stream().map(text).collect(joining(", "));
  }
}
