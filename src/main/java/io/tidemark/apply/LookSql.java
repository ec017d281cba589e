package io.tidemark.apply;

import static java.util.stream.Collectors.joining;

import io.tidemark.change.Row;
import io.tidemark.change.RowKey;
import io.tidemark.conflict.ConflictPolicy;
import io.tidemark.postgres.ColumnShape;
import io.tidemark.postgres.Sql;
import io.tidemark.postgres.UniqueIndex;
import io.tidemark.sync.TableMapping;
import io.tidemark.sync.TableMapping.Pair;
import java.util.List;
import java.util.Objects;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The statements that look at target rows before they are written, and lock them. All of them
 * answer, for a row {@code t} that is foreign to its change {@code d}: its values as text, which of
 * the two is newer (1: the change, -1: the row), which columns differ, and which columns differ
 * from the row before the change.
 */
final class LookSql {
  private final TableMapping mapping;
  private final Guard guard;
  private final String table;
  private final List<ColumnShape> columns;
  private final List<ColumnShape> key;
  private final @Nullable ColumnShape timestamp;

  LookSql(TableMapping mapping, Guard guard, ConflictPolicy policy) {
    this.mapping = mapping;
    this.guard = guard;
    table = Sql.name(mapping.target().name());
    columns = mapping.columns().stream().map(Pair::target).toList();
    key = mapping.key().stream().map(Pair::target).toList();
    timestamp =
        policy
            .timestamp()
            .flatMap(name -> columns.stream().filter(one -> one.name().equals(name)).findFirst())
            .orElse(null);
  }

  /**
   * Looks at the rows of edits' keys. Answers of each row found: its place, whether it is foreign,
   * and if it is, values, age, differing columns, columns changed since the base.
   */
  ApplySql.Found<RowEdit> look() {
    JdbcFeeds<RowEdit> edits =
        new JdbcFeeds<RowEdit>()
            .places()
            .flag("gone", RowEdit::isDeletion)
            .flag("fresh", edit -> edit.expected() == RowEdit.Expected.ABSENT)
            .flag("based", edit -> edit.base() != null)
            .number("micros", RowEdit::committedMicros)
            .text("mask", edit -> edit.isDeletion() ? "" : edit.put().presence());
    for (int i = 0; i < key.size(); i++) {
      int place = i;
      edits.text("k" + i, edit -> edit.key().value(place));
    }
    for (int i = 0; i < columns.size(); i++) {
      int place = i;
      edits.text("c" + i, edit -> value(edit, place));
      edits.text("b" + i, edit -> ApplySql.baseValue(edit, place));
    }
    String text =
        """
        select d.place, f.is_foreign,
               case when f.is_foreign then %s end,
               case when f.is_foreign then %s end,
               case when f.is_foreign and not d.gone then %s end,
               case when f.is_foreign and d.based then %s end
        from %s
        join %s t on %s
        cross join lateral (select %s as is_foreign) f
        for update of t
        """
            .formatted(
                values(),
                ageOfEdit(),
                each(i -> "(substr(d.mask, " + (i + 1) + ", 1) = 'x' and " + differs("c", i) + ")"),
                each(i -> differs("b", i)),
                edits.as("d"),
                table,
                keyIs("d.k"),
                guard.foreign());
    return new ApplySql.Found<>(text, edits);
  }

  private static @Nullable String value(RowEdit edit, int place) {
    if (edit.isDeletion()) {
      return null;
    }
    String value = edit.put().values()[place];
    return value == Row.ABSENT ? null : value;
  }

  /** Locks the table against other writers. */
  String lockTable() {
    return "lock table " + table + " in share row exclusive mode";
  }

  /** Keys that a TRUNCATE leaves alone. */
  JdbcFeeds<RowKey> spared() {
    JdbcFeeds<RowKey> keys = new JdbcFeeds<>();
    for (int i = 0; i < key.size(); i++) {
      int place = i;
      keys.text("k" + i, one -> one.value(place));
    }
    return keys;
  }

  /**
   * The rows that are foreign to a TRUNCATE: values and age. Parameters: its time, then the spared
   * keys. Empty if foreign rows cannot be told.
   */
  String foreignToTruncate() {
    return """
        select %s, %s
        from %s t, (values (?::int8)) d(micros)
        where %s%s
        """
        .formatted(values(), ageOfTruncate(), table, guard.foreignToTruncate(), andNotSpared());
  }

  /** Which rows a TRUNCATE takes. */
  enum Taken {
    ALL,
    OWN,
    OWN_AND_OLDER
  }

  /** Deletes what a TRUNCATE takes, but the spared keys. Parameters: as before. */
  String truncate(Taken taken) {
    String foreign = guard.foreignToTruncate().isEmpty() ? "false" : guard.foreignToTruncate();
    String condition =
        switch (taken) {
          case ALL -> "true";
          case OWN -> "not " + foreign;
          case OWN_AND_OLDER -> "(not " + foreign + " or " + ageOfTruncate() + " >= 0)";
        };
    return """
        delete from %s t
        using (values (?::int8)) d(micros)
        where %s%s
        """
        .formatted(table, condition, andNotSpared());
  }

  private String andNotSpared() {
    return "\n  and not exists (select from " + spared().as("w") + " where " + keyIs("w.k") + ")";
  }

  /**
   * The row that holds the unique value that an edit would take: values and age. It is not the
   * edit's own row, which has the values that the edit does not.
   *
   * @param unique reads mapped columns only
   */
  ApplySql.Found<RowEdit> holder(UniqueIndex unique) {
    JdbcFeeds<RowEdit> edits =
        new JdbcFeeds<RowEdit>()
            .flag("gone", RowEdit::isDeletion)
            .number("micros", RowEdit::committedMicros)
            .text("mask", edit -> edit.put().presence());
    for (int i = 0; i < key.size(); i++) {
      int place = i;
      edits.text("k" + i, edit -> edit.key().value(place));
    }
    for (int i = 0; i < columns.size(); i++) {
      int place = i;
      edits.text("c" + i, edit -> value(edit, place));
    }
    String text =
        """
        select %s, %s
        from %s
        left join %s own on %s
        cross join %s
        join %s t on not (%s)
        cross join %s
        where %s
        for update of t
        """
            .formatted(
                values(),
                ageOfEdit(),
                edits.as("d"),
                table,
                keyIs("own", "d.k"),
                unique.of(this::putOrOwn, "wanted"),
                table,
                keyIs("d.k"),
                unique.of(name -> "t." + Sql.name(name), "held"),
                unique.forbids("wanted", "held"));
    return new ApplySql.Found<>(text, edits);
  }

  private String putOrOwn(String name) {
    int i = mapping.targetNames().indexOf(name);
    return "case when substr(d.mask, %d, 1) = 'x' then d.c%d::%s else own.%s end"
        .formatted(i + 1, i, columns.get(i).type(), Sql.name(name));
  }

  /** All of the mapped columns' values as text. */
  private String values() {
    return each(i -> "t." + Sql.name(columns.get(i).name()) + "::text");
  }

  private String each(IntFunction<String> column) {
    return IntStream.range(0, columns.size())
        .mapToObj(column)
        .collect(joining(", ", "array[", "]"));
  }

  /** Compared as the column would hold it, and by text: json and xml have no equality. */
  private String differs(String values, int i) {
    return "t.%s::text is distinct from d.%s%d::%s::text"
        .formatted(Sql.name(columns.get(i).name()), values, i, columns.get(i).type());
  }

  /** The time of an edit: of its row, or of the commit that deleted it. */
  private String ageOfEdit() {
    if (timestamp == null) {
      return "null::int4";
    }
    int place = columns.indexOf(timestamp);
    return age(
        "(case when d.gone then %s else d.c%d::%s end)"
            .formatted(Guard.committed(timestamp), place, timestamp.type()));
  }

  private String ageOfTruncate() {
    return timestamp == null ? "null::int4" : age(Guard.committed(timestamp));
  }

  /** 1: the change is newer, -1: the target's row is, 0: neither. No time is older than any. */
  private String age(String here) {
    return """
        case when %1$s is null and %2$s is null then 0
             when %1$s is null then -1
             when %2$s is null then 1
             when %1$s > %2$s then 1
             when %1$s < %2$s then -1
             else 0 end"""
        .formatted(here, "t." + Sql.name(Objects.requireNonNull(timestamp).name()));
  }

  private String keyIs(String keys) {
    return keyIs("t", keys);
  }

  private String keyIs(String row, String keys) {
    return IntStream.range(0, key.size())
        .mapToObj(
            i ->
                "%s.%s = %s%d::%s"
                    .formatted(row, Sql.name(key.get(i).name()), keys, i, key.get(i).castType()))
        .collect(joining(" and "));
  }
}
