package io.tidemark.sync;

import static java.util.stream.Collectors.joining;

import io.tidemark.postgres.ColumnShape;
import io.tidemark.postgres.Sql;
import io.tidemark.postgres.TableShape;
import java.util.List;
import java.util.Locale;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/**
 * A row filter as a query over rows that stand in no table, for a server that has the changes of
 * the source's rows and not the rows.
 */
public final class RowFilterSql {
  private final TableShape source;
  private final String filter;
  private final List<ColumnShape> columns;

  /**
   * @param filter for a statement with parameters, as {@link RowFilterText#withParameters} has it
   */
  public RowFilterSql(TableShape source, String filter) {
    this.source = source;
    this.filter = filter;
    String words = filter.toLowerCase(Locale.ROOT);
    // A name in a string or a comment counts too: to know a value too many does no harm.
    columns =
        source.columns().stream()
            .filter(
                column ->
                    words.contains(column.name().replace("\"", "\"\"").toLowerCase(Locale.ROOT)))
            .toList();
  }

  /** The columns that the filter may ask for, in the table's order. */
  public List<ColumnShape> columns() {
    return columns;
  }

  /**
   * Selects the {@code place} of each row that the filter takes.
   *
   * @param value the value of the column at a place of {@link #columns}, of any type that can be
   *     cast to the column's
   * @param rows the item of a from clause, with a column {@code place}
   */
  public String places(IntFunction<String> value, String rows) {
    String values =
        columns.isEmpty()
            ? ""
            : IntStream.range(0, columns.size())
                .mapToObj(
                    i ->
                        ", %s::%s as %s"
                            .formatted(
                                value.apply(i),
                                columns.get(i).type(),
                                Sql.name(columns.get(i).name())))
                .collect(joining());
    // The rows have the table's name, as in the filter; a line end ends a comment.
    return """
        select tidemark_place
        from (select d.place as tidemark_place%s from %s) as %s
        where (%s
        )
        """
        .formatted(values, rows, Sql.name(source.name().table()), filter);
  }
}
