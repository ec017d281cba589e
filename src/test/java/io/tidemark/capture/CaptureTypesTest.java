package io.tidemark.capture;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.SqlTypes;
import io.tidemark.SqlTypes.SqlType;
import io.tidemark.capture.CaptureFixture.Read;
import io.tidemark.change.Change;
import io.tidemark.change.Row;
import io.tidemark.change.RowShape;
import io.tidemark.change.TableName;
import io.tidemark.postgres.TextForm;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Every value is the server's own text, whatever its type. */
@Tag("engine")
class CaptureTypesTest {
  private static final TableName T = new TableName("public", "types");

  private static final List<SqlType> TYPES = SqlTypes.of(18);

  /** Debezium does not parse a row as a default, PostgreSQL takes no role as one. */
  private static final Set<String> WITHOUT_DEFAULT = Set.of("pair", "nested", "regrole");

  @Test
  void valuesAreTheServersTextUnderDefaultIdentity() throws Exception {
    compare("default");
  }

  @Test
  void valuesAreTheServersTextUnderFullIdentity() throws Exception {
    compare("full");
  }

  private static void compare(String identity) throws Exception {
    try (CaptureFixture fixture = new CaptureFixture()) {
      for (String extension : SqlTypes.EXTENSIONS) {
        fixture.execute("create extension " + extension);
      }
      fixture.execute(
          "create table types (id int primary key)",
          SqlTypes.MAKE,
          addColumns(),
          "alter table types replica identity " + identity);
      ChangeTracker tracker = fixture.tracking(T);

      int rows = 0;
      for (String insert : inserts()) {
        fixture.execute(insert);
        rows++;
      }
      List<List<String>> expected = texts(fixture);
      fixture.execute("update types set touched = 1", "delete from types");
      fixture.settle(tracker);

      List<Read> read = fixture.read(T);
      assertThat(read).hasSize(3 * rows);
      for (int i = 0; i < rows; i++) {
        Change.Insert insert = (Change.Insert) read.get(i).change();
        assertThat(values(insert.after())).isEqualTo(expected.get(i));
      }
      // Rows are updated and deleted in the order in which they lie, not in that of their keys.
      for (Read one : read.subList(rows, 3 * rows)) {
        int id = Integer.parseInt(one.key().value(0));
        assertThat(one.key()).isEqualTo(read.get(id).key());
        Row inserted = ((Change.Insert) read.get(id).change()).after();
        if (one.change() instanceof Change.Update update) {
          assertThat(values(whole(update.after(), inserted))).isEqualTo(expected.get(id));
          assertThat(update.before().isPresent()).isEqualTo(identity.equals("full"));
          update.before().ifPresent(before -> assertThat(before).isEqualTo(inserted));
        } else if (one.change() instanceof Change.Delete delete) {
          checkDeleted(delete.before(), identity, expected.get(id));
        }
      }
    }
  }

  private static void checkDeleted(Row before, String identity, List<String> expected) {
    if (identity.equals("full")) {
      assertThat(values(before)).isEqualTo(expected);
    } else {
      assertThat(before.shape().columns()).containsExactly("id");
    }
  }

  /** Defaults everywhere: a value must not be taken for its column's default. */
  private static String addColumns() {
    StringBuilder sql = new StringBuilder("alter table types ");
    for (int i = 0; i < TYPES.size(); i++) {
      SqlType type = TYPES.get(i);
      sql.append("add c").append(i).append(' ').append(type.type());
      if (!WITHOUT_DEFAULT.contains(type.type())) {
        sql.append(" default ").append(type.value(0));
      }
      sql.append(", ");
      if (type.hasArrays()) {
        sql.append("add a" + i + " " + type.type() + "[], ");
      }
    }
    return sql.append("add g int generated always as (id * 2) stored, add touched int").toString();
  }

  private static List<String> columns() {
    return IntStream.range(0, TYPES.size())
        .boxed()
        .flatMap(i -> TYPES.get(i).hasArrays() ? Stream.of("c" + i, "a" + i) : Stream.of("c" + i))
        .toList();
  }

  /** A row for each turn of values, and one of nulls only. */
  private static List<String> inserts() {
    int turns = SqlTypes.turns(TYPES);
    List<String> inserts = new ArrayList<>();
    for (int turn = 0; turn <= turns; turn++) {
      StringBuilder sql = new StringBuilder("insert into types values (" + turn);
      for (SqlType type : TYPES) {
        sql.append(", ").append(turn == turns ? "null" : type.value(turn));
        if (type.hasArrays()) {
          sql.append(", ").append(turn == turns ? "null" : type.array(turn));
        }
      }
      inserts.add(sql.append(")").toString());
    }
    return inserts;
  }

  private static List<List<String>> texts(CaptureFixture fixture) throws SQLException {
    StringBuilder sql = new StringBuilder("select id::text");
    for (String column : columns()) {
      // Not a cast: a cast of char(n) to text strips its blanks.
      sql.append(", case num_nulls(" + column + ") when 0 then format('%s', " + column + ") end");
    }
    sql.append(", g::text from public.types order by id");
    List<List<String>> rows = new ArrayList<>();
    try (Connection connection = fixture.source.open("test");
        Statement statement = connection.createStatement()) {
      statement.execute(TextForm.SETTINGS + "set search_path = ''");
      try (ResultSet row = statement.executeQuery(sql.toString())) {
        while (row.next()) {
          List<String> values = new ArrayList<>();
          for (int i = 1; i <= columns().size() + 2; i++) {
            values.add(plain(row.getString(i)));
          }
          rows.add(values);
        }
      }
    }
    return rows;
  }

  /** A large value that an update leaves as it is is not sent. */
  private static Row whole(Row updated, Row inserted) {
    RowShape shape = inserted.shape();
    String[] values = new String[shape.size()];
    for (int i = 0; i < values.length; i++) {
      int sent = updated.shape().indexOf(shape.column(i));
      values[i] = sent < 0 ? inserted.value(i) : updated.value(sent);
    }
    return Row.of(shape, values);
  }

  /** The row's values but the last column's. */
  private static List<String> values(Row row) {
    List<String> values = new ArrayList<>();
    for (int i = 0; i < row.shape().size() - 1; i++) {
      assertThat(row.isAbsent(i)).isFalse();
      values.add(plain(row.value(i)));
    }
    return values;
  }

  /** JSON has one boolean, whose text differs between the two: {@code t} and {@code true}. */
  private static String plain(String text) {
    return "t".equals(text) ? "true" : "f".equals(text) ? "false" : text;
  }
}
