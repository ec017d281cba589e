package io.tidemark.apply;

import io.tidemark.change.Change;
import io.tidemark.change.OperatingFailure;
import io.tidemark.change.Row;
import io.tidemark.change.RowKey;
import io.tidemark.change.RowShape;
import io.tidemark.postgres.ColumnShape;
import io.tidemark.sync.RowFilterSql;
import io.tidemark.sync.RowFilterText;
import io.tidemark.sync.TableMapping;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Turns the changes of a table's rows into those of the rows that a filter takes: a row that an
 * update moves in is new, one that it moves out is gone. The target's server evaluates the filter,
 * so that no change waits for the source.
 *
 * <p>Under {@code REPLICA IDENTITY FULL} a change has the row before it, and that tells where it
 * was; else it is not known whether the target has the row, and the change is {@linkplain
 * TopicChange#isSure unsure}.
 */
final class JdbcRowFilter {
  private static final char IDENTITY_FULL = 'f';

  private final JdbcStatements statements;
  private final Projection projection;
  private final WholeRows whole;
  private final boolean hasOldRows;
  private final List<ColumnShape> columns;
  private final ApplySql.Found<@Nullable String[]> taken;
  private RowShape shape = RowShape.ofText(List.of());
  private int[] places = {};

  private JdbcRowFilter(
      JdbcStatements statements, TableMapping mapping, String filter, WholeRows whole) {
    this.statements = statements;
    this.whole = whole;
    projection = new Projection(mapping);
    hasOldRows = mapping.source().replicaIdentity() == IDENTITY_FULL;
    RowFilterSql sql = new RowFilterSql(mapping.source(), RowFilterText.withParameters(filter));
    columns = sql.columns();
    JdbcFeeds<@Nullable String[]> rows = new JdbcFeeds<@Nullable String[]>().places();
    for (int i = 0; i < columns.size(); i++) {
      int place = i;
      rows.text("c" + i, row -> row[place]);
    }
    taken = new ApplySql.Found<>(sql.places(i -> "d.c" + i, rows.as("d")), rows);
  }

  /** The filter of a mapping, if it has one. */
  static Optional<JdbcRowFilter> of(
      JdbcStatements statements, TableMapping mapping, WholeRows whole) {
    return mapping.rowFilter().map(filter -> new JdbcRowFilter(statements, mapping, filter, whole));
  }

  /**
   * What the changes are to the rows that the filter takes.
   *
   * @throws OperatingFailure if the filter fails on a row, or the source is asked for an unsent
   *     value and does not answer
   */
  List<TopicChange> of(List<TopicChange> changes) throws SQLException {
    Asked asked = new Asked();
    changes.forEach(next -> asked.add(next.change()));
    asked.complete();
    BitSet takes = takes(asked.rows);
    List<TopicChange> filtered = new ArrayList<>(changes.size());
    for (TopicChange next : changes) {
      Integer before = asked.before.get(next.change());
      Integer after = asked.after.get(next.change());
      filtered.addAll(
          filter(
              next,
              before == null ? Side.UNKNOWN : takes.get(before) ? Side.IN : Side.OUT,
              after != null && takes.get(after)));
    }
    return filtered;
  }

  /** Where the row was before a change. */
  private enum Side {
    IN,
    OUT,
    UNKNOWN
  }

  private static List<TopicChange> filter(TopicChange next, Side before, boolean isIn) {
    Change change = next.change();
    if (change instanceof Change.Insert insert) {
      return insert.oldKey() == null
          ? (isIn ? List.of(next) : List.of())
          : move(next, insert, insert.oldKey(), isIn);
    }
    if (change instanceof Change.Update update) {
      return switch (before) {
        case IN -> List.of(isIn ? next : with(next, deletion(update)));
        case OUT ->
            isIn
                ? List.of(with(next, new Change.Insert(update.source(), update.after())))
                : List.of();
        case UNKNOWN -> List.of(next.unsure(isIn ? update : deletion(update)));
      };
    }
    if (change instanceof Change.Delete delete && delete.movedTo().isEmpty()) {
      return switch (before) {
        case IN -> List.of(next);
        case OUT -> List.of();
        case UNKNOWN -> List.of(next.unsure(delete));
      };
    }
    return List.of(next);
  }

  /**
   * A key change is a deletion and a new row.
   *
   * <p>INVARIANT: the row under the old key is not moved. The target may have it from the source as
   * it is now, and then it is another row, which has got this key since; and the row under the new
   * key may be there already.
   */
  private static List<TopicChange> move(
      TopicChange next, Change.Insert insert, Row oldKey, boolean isIn) {
    TopicChange gone = next.unsure(new Change.Delete(insert.source(), oldKey));
    TopicChange there = next.unsure(new Change.Insert(insert.source(), insert.after()));
    return isIn ? List.of(gone, there) : List.of(gone);
  }

  private static TopicChange with(TopicChange next, Change change) {
    return new TopicChange(change, next.offset());
  }

  private static Change deletion(Change.Update update) {
    return new Change.Delete(update.source(), update.before().orElse(update.after()));
  }

  private BitSet takes(List<@Nullable String[]> rows) throws SQLException {
    if (rows.isEmpty()) {
      return new BitSet();
    }
    try {
      return statements.places(taken, rows);
    } catch (SQLException e) {
      if (PgRefusal.of(e) != PgRefusal.ROW) {
        throw e;
      }
      throw new OperatingFailure(
          OperatingFailure.Kind.USER,
          "row_filter_failed",
          "row_filter fails on a row: " + PgRefusal.describe(e),
          "write it so that it has an answer for every row; nullif and coalesce help",
          e);
    }
  }

  /** The rows that the filter is asked about, as the values of its columns. */
  private final class Asked {
    private final List<@Nullable String[]> rows = new ArrayList<>();
    private final Map<Change, Integer> before = new IdentityHashMap<>();
    private final Map<Change, Integer> after = new IdentityHashMap<>();
    private final Map<Integer, RowKey> incomplete = new HashMap<>();

    void add(Change change) {
      if (change instanceof Change.Insert insert) {
        addAfter(change, insert.after());
      } else if (change instanceof Change.Update update) {
        addAfter(change, update.after());
        update.before().ifPresent(row -> addBefore(change, row));
      } else if (change instanceof Change.Delete delete && delete.movedTo().isEmpty()) {
        addBefore(change, delete.before());
      }
    }

    private void addAfter(Change change, Row row) {
      @Nullable String[] values = values(row);
      if (isIncomplete(values)) {
        incomplete.put(rows.size(), projection.key(row));
      }
      after.put(change, rows.size());
      rows.add(values);
    }

    private void addBefore(Change change, Row row) {
      @Nullable String[] values = values(row);
      if (hasOldRows && !isIncomplete(values)) {
        before.put(change, rows.size());
        rows.add(values);
      }
    }

    /**
     * A value that an update left as it was and did not send is the source's. If it is another one
     * by now, a later change brings that, and the row is asked about again.
     */
    void complete() {
      if (incomplete.isEmpty()) {
        return;
      }
      Map<RowKey, Row> newest = whole.of(List.copyOf(new HashSet<>(incomplete.values())));
      incomplete.forEach(
          (place, key) -> {
            Row row = newest.get(key);
            @Nullable String[] known = row == null ? null : values(row);
            @Nullable String[] values = rows.get(place);
            for (int i = 0; i < values.length; i++) {
              if (values[i] == Row.ABSENT) {
                values[i] = known == null ? null : known[i];
              }
            }
          });
    }
  }

  private @Nullable String[] values(Row row) {
    if (row.shape() != shape) {
      shape = row.shape();
      places = columns.stream().mapToInt(column -> shape.indexOf(column.name())).toArray();
    }
    @Nullable String[] values = new @Nullable String[places.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = places[i] < 0 ? Row.ABSENT : row.value(places[i]);
    }
    return values;
  }

  private static boolean isIncomplete(@Nullable String[] values) {
    for (String value : values) {
      if (value == Row.ABSENT) {
        return true;
      }
    }
    return false;
  }
}
