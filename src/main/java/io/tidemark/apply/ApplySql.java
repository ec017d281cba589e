package io.tidemark.apply;

import static java.util.stream.Collectors.joining;

import io.tidemark.apply.Guard.InsertOver;
import io.tidemark.apply.Guard.Needs;
import io.tidemark.change.RowKey;
import io.tidemark.postgres.ColumnShape;
import io.tidemark.postgres.Sql;
import io.tidemark.sync.TableMapping;
import io.tidemark.sync.TableMapping.Pair;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The statements that write one mapping's rows. Each takes one text array per column and casts its
 * elements to the column's type: the server reads its own text, so every type survives. What a
 * statement may not write over, its {@link Guard} says; the rows that it leaves are those it does
 * not count.
 */
final class ApplySql {
  private final TableMapping mapping;
  private final String table;
  private final List<ColumnShape> columns;
  private final List<ColumnShape> key;
  private final int serverMajor;
  private final Guard guard;
  private final boolean canUpdate;

  ApplySql(TableMapping mapping, int serverMajor, Guard guard) {
    this.mapping = mapping;
    this.serverMajor = serverMajor;
    this.guard = guard;
    table = Sql.name(mapping.target().name());
    columns = mapping.columns().stream().map(Pair::target).toList();
    key = mapping.key().stream().map(Pair::target).toList();
    canUpdate = IntStream.range(0, columns.size()).anyMatch(this::isSettable);
  }

  /** Which kinds of edit a statement writes. */
  record Kinds(boolean deletes, boolean updates, boolean inserts) {}

  /** What {@link #write} binds for each of its kinds, in this order. */
  record Parts(
      String text,
      JdbcFeeds<RowEdit> deletes,
      JdbcFeeds<RowEdit> updates,
      JdbcFeeds<RowEdit> inserts) {}

  /**
   * Deletes, updates and inserts complete rows. Answers one row: inserted, written over by an
   * insert, updated, deleted.
   *
   * <p>INVARIANT: an update reads the count of deleted rows, an insert that of both, so that each
   * is done before the next begins: a unique value that a deleted row held is free for another.
   */
  Parts write(Kinds kinds) {
    JdbcFeeds<RowEdit> gone = needsOf(keys(), edit -> edit);
    JdbcFeeds<RowEdit> changed = needsOf(values(keys()), edit -> edit);
    JdbcFeeds<RowEdit> put = values(new JdbcFeeds<>());
    List<String> parts = new ArrayList<>();
    if (kinds.deletes()) {
      parts.add(
          """
          gone as (
            delete from %s t
            using %s
            where %s%s
            returning 1)"""
              .formatted(table, gone.as("d"), keyIs(), guard.andOwnToDeletion()));
    }
    if (kinds.updates()) {
      parts.add(
          """
          changed as (
            update %s t
            set %s
            from %s
            where %s%s%s
            returning 1)"""
              .formatted(
                  table,
                  assignments(this::isSettable),
                  changed.as("d"),
                  keyIs(),
                  guard.andOwn(),
                  kinds.deletes() ? "\n  and (select count(*) from gone) >= 0" : ""));
    }
    if (kinds.inserts()) {
      parts.add(insert(put, kinds));
    }
    String text =
        """
        with %s
        select %s, %s, %s, %s
        """
            .formatted(
                String.join(",\n", parts),
                kinds.inserts() ? "(select count(*) from put where inserted)" : "0",
                kinds.inserts() ? "(select count(*) from put where not inserted)" : "0",
                kinds.updates() ? "(select count(*) from changed)" : "0",
                kinds.deletes() ? "(select count(*) from gone)" : "0");
    return new Parts(text, gone, changed, put);
  }

  private String insert(JdbcFeeds<RowEdit> put, Kinds kinds) {
    List<String> before = new ArrayList<>();
    if (kinds.deletes()) {
      before.add("(select count(*) from gone) >= 0");
    }
    if (kinds.updates()) {
      before.add("(select count(*) from changed) >= 0");
    }
    return """
        put as (
          insert into %s as t (%s)%s
          select %s
          from %s%s
          on conflict (%s) %s
          returning %s as inserted)"""
        .formatted(
            table,
            names(columns),
            overriding(),
            IntStream.range(0, columns.size()).mapToObj(i -> value(i)).collect(joining(", ")),
            put.as("d"),
            before.isEmpty() ? "" : "\n  where " + String.join(" and ", before),
            names(key),
            onConflict(),
            insertedMark());
  }

  private String onConflict() {
    if (!canUpdate() || guard.insertOver() == InsertOver.NEVER) {
      return "do nothing";
    }
    String set =
        "do update set "
            + IntStream.range(0, columns.size())
                .filter(this::isSettable)
                .mapToObj(i -> Sql.name(columns.get(i).name()))
                .map(name -> name + " = excluded." + name)
                .collect(joining(", "));
    return guard.insertOver() == InsertOver.OWN ? set + "\n  where " + guard.ownToInsertion() : set;
  }

  /**
   * Whether a returned row is new. PostgreSQL 18 says so; before, a new row has no locker yet. Of a
   * partition whose columns lie otherwise than the table's it does not tell even that, but the
   * statement does not see the rows that it has put itself.
   */
  private String insertedMark() {
    if (serverMajor >= 18) {
      return "(old." + Sql.name(key.get(0).name()) + " is null)";
    }
    if (mapping.target().relationKind() != 'p') {
      return "(xmax = 0)";
    }
    String same =
        key.stream()
            .map(column -> Sql.name(column.name()))
            .map(name -> "o." + name + " = t." + name)
            .collect(joining(" and "));
    return "(not exists (select from " + table + " o where " + same + "))";
  }

  /** A statement over one list of items; it answers the places of the rows that it found. */
  record Found<T>(String text, JdbcFeeds<T> items) {}

  /**
   * Writes the present columns of rows that the target has.
   *
   * @param present whether the mapping's column at this index has a value
   */
  Found<RowEdit> patch(IntPredicate present) {
    JdbcFeeds<RowEdit> items =
        needsOf(presentOf(keys().places(), RowEdit::put, present), edit -> edit);
    if (IntStream.range(0, columns.size()).noneMatch(i -> present.test(i) && isSettable(i))) {
      // There is nothing to be set; the row need only be there.
      String text =
          """
          select d.place
          from %s
          join %s t on %s%s
          """
              .formatted(items.as("d"), table, keyIs(), guard.andOwn());
      return new Found<>(text, items);
    }
    return update(items, i -> present.test(i) && isSettable(i));
  }

  /**
   * Gives rows another key and writes their present columns, the key's always among them; finds
   * them by their old key.
   */
  Found<Step.Move> move(IntPredicate present) {
    JdbcFeeds<Step.Move> items = keysOf(new JdbcFeeds<Step.Move>().places(), Step.Move::oldKey);
    presentOf(items, Step.Move::row, present);
    needsOf(items, Step.Move::edit);
    boolean fixed = IntStream.range(0, columns.size()).anyMatch(i -> present.test(i) && isFixed(i));
    return fixed ? replace(items, present, guard.andOwn()) : update(items, present);
  }

  /**
   * Gives rows that stand as they should, but for a value that cannot be set, the value too. Few
   * have another one: the source's own would have to have been made anew.
   */
  Found<RowEdit> fix() {
    JdbcFeeds<RowEdit> items =
        presentOf(keys().places(), RowEdit::put, i -> isFixed(i) && !isKey(i));
    String differs =
        IntStream.range(0, columns.size())
            .filter(i -> isFixed(i) && !isKey(i))
            .mapToObj(i -> "t." + Sql.name(columns.get(i).name()) + " <> " + value(i))
            .collect(joining(" or ", "\n  and (", ")"));
    return replace(items, i -> isFixed(i) && !isKey(i), differs);
  }

  /**
   * Puts a new row in the place of one, with the values that are given and else those that it had:
   * the only way to give a column {@code generated always as identity} another value.
   */
  private <T> Found<T> replace(JdbcFeeds<T> items, IntPredicate given, String condition) {
    List<ColumnShape> all =
        mapping.target().columns().stream().filter(ColumnShape::isWritable).toList();
    List<String> values = new ArrayList<>();
    for (int i = 0; i < all.size(); i++) {
      int place = columns.indexOf(all.get(i));
      String value =
          place >= 0 && given.test(place) ? value(place) : "t." + Sql.name(all.get(i).name());
      values.add(value + " as v" + i);
    }
    String text =
        """
        with gone as (
          delete from %s t
          using %s
          where %s%s
          returning d.place, %s
        ), put as (
          insert into %s (%s) overriding system value
          select %s
          from gone)
        select place
        from gone
        """
            .formatted(
                table,
                items.as("d"),
                keyIs(),
                condition,
                String.join(", ", values),
                table,
                names(all),
                IntStream.range(0, all.size()).mapToObj(i -> "v" + i).collect(joining(", ")));
    return new Found<>(text, items);
  }

  private <T> Found<T> update(JdbcFeeds<T> items, IntPredicate written) {
    String text =
        """
        update %s t
        set %s
        from %s
        where %s%s
        returning d.place
        """
            .formatted(table, assignments(written), items.as("d"), keyIs(), guard.andOwn());
    return new Found<>(text, items);
  }

  /** Empties the table; refused by the server while a foreign key refers to it. */
  String truncate() {
    return "truncate table " + table;
  }

  /** Empties a table that foreign keys refer to. */
  String deleteAll() {
    return "delete from " + table;
  }

  /** Whether the table holds a row that is foreign to a TRUNCATE; one parameter: its time. */
  String holdsForeign() {
    return """
        select exists (
          select
          from %s t, (values (?::int8)) d(micros)
          where %s)
        """
        .formatted(table, guard.foreignToTruncate());
  }

  private JdbcFeeds<RowEdit> keys() {
    return keysOf(new JdbcFeeds<>(), RowEdit::key);
  }

  private <T> JdbcFeeds<T> keysOf(JdbcFeeds<T> items, Function<T, RowKey> key) {
    for (int i = 0; i < this.key.size(); i++) {
      int place = i;
      items.text("k" + i, item -> key.apply(item).value(place));
    }
    return items;
  }

  /** All columns of complete rows. */
  private JdbcFeeds<RowEdit> values(JdbcFeeds<RowEdit> items) {
    return presentOf(items, RowEdit::put, i -> true);
  }

  private <T> JdbcFeeds<T> presentOf(
      JdbcFeeds<T> items, Function<T, TargetRow> row, IntPredicate present) {
    for (int i = 0; i < columns.size(); i++) {
      if (present.test(i)) {
        int place = i;
        items.text("c" + i, item -> row.apply(item).values()[place]);
      }
    }
    return items;
  }

  /** What the guard looks at. */
  private <T> JdbcFeeds<T> needsOf(JdbcFeeds<T> items, Function<T, RowEdit> edit) {
    if (guard.needs() == Needs.BASE) {
      for (int i = 0; i < columns.size(); i++) {
        int place = i;
        items.text("b" + i, item -> baseValue(edit.apply(item), place));
      }
      items.flag("based", item -> edit.apply(item).base() != null);
    }
    if (guard.needs() == Needs.TIME) {
      items.number("micros", item -> edit.apply(item).committedMicros());
    }
    return items;
  }

  static @Nullable String baseValue(RowEdit edit, int place) {
    @Nullable String[] base = edit.base();
    return base == null ? null : base[place];
  }

  private boolean isKey(int index) {
    return key.contains(columns.get(index));
  }

  /** A column {@code generated always as identity} takes a value when inserted, never later. */
  private boolean isFixed(int index) {
    return columns.get(index).generation() == ColumnShape.Generation.IDENTITY_ALWAYS;
  }

  private boolean isSettable(int index) {
    return !isKey(index) && !isFixed(index);
  }

  /** Whether a row has anything that an update which keeps its key can set. */
  boolean canUpdate() {
    return canUpdate;
  }

  /** Whether rows have something besides the key that an update cannot set. */
  boolean needsFix() {
    return IntStream.range(0, columns.size()).anyMatch(i -> isFixed(i) && !isKey(i));
  }

  private String keyIs() {
    return IntStream.range(0, key.size())
        .mapToObj(
            i -> "t." + Sql.name(key.get(i).name()) + " = d.k" + i + "::" + key.get(i).castType())
        .collect(joining(" and "));
  }

  private String assignments(IntPredicate written) {
    return IntStream.range(0, columns.size())
        .filter(written)
        .mapToObj(i -> Sql.name(columns.get(i).name()) + " = " + value(i))
        .collect(joining(", "));
  }

  private String value(int index) {
    return "d.c" + index + "::" + columns.get(index).castType();
  }

  private String overriding() {
    boolean identity = IntStream.range(0, columns.size()).anyMatch(this::isFixed);
    return identity ? " overriding system value" : "";
  }

  private static String names(List<ColumnShape> of) {
    return of.stream().map(column -> Sql.name(column.name())).collect(joining(", "));
  }
}
