package io.tidemark.capture;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.capture.CaptureFixture.Read;
import io.tidemark.change.Change;
import io.tidemark.change.Row;
import io.tidemark.change.TableName;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Every value is the server's own text, whatever its type. */
class CaptureTypesTest {
  private static final TableName T = new TableName("public", "types");

  private record Type(String type, String... values) {}

  private static Type type(String type, String... values) {
    return new Type(type, values);
  }

  private static final List<Type> TYPES =
      List.of(
          type("boolean", "true", "false"),
          type("smallint", "-32768", "32767"),
          type("integer", "-2147483648", "0"),
          type("bigint", "-9223372036854775808", "9223372036854775807"),
          type("oid", "4294967295"),
          type("real", "'NaN'", "'Infinity'", "'-Infinity'", "1e-45", "3.4028235e38", "0.1"),
          type("double precision", "'NaN'", "'-Infinity'", "5e-324", "1.7976931348623157e308"),
          type("numeric", "'NaN'", "'Infinity'", "123.4500", "1e-30", "-0.00"),
          type("numeric(20,5)", "'NaN'", "123.45", "-99999999999999.99999"),
          type("numeric(3,-2)", "12345"),
          type("money", "'-92233720368547758.08'", "'1.10'"),
          type("text", "'héllo ☃ \uD83D\uDE00'", "''", "E'a\\nb\\t\"\\\\'", "repeat('x', 9000)"),
          type("varchar(10)", "'abc  '"),
          type("char(5)", "'ab'"),
          type("\"char\"", "'x'"),
          type("name", "'nm'"),
          type("bytea", "'\\x00ff10'", "''"),
          type("date", "'infinity'", "'-infinity'", "'0044-03-15 BC'", "'5874897-12-31'"),
          type("time", "'24:00:00'", "'00:00:00.000001'"),
          type("timetz", "'24:00:00+00'", "'01:02:03.4-15:59'", "'10:00+05:30'"),
          type(
              "timestamp",
              "'infinity'",
              "'-infinity'",
              "'4713-01-01 00:00:00 BC'",
              "'294276-12-31 23:59:59.999999'"),
          type(
              "timestamptz", "'infinity'", "'2024-02-29 23:59:59.123456+05:30'", "'0001-01-01 BC'"),
          type("interval", "'infinity'", "'-infinity'", "'1 year 2 mons -3 days 04:05:06.789'"),
          type("uuid", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"),
          type("json", "'{\"b\" : 1, \"a\":1, \"a\":2}'"),
          type("jsonb", "'{\"b\" : 1, \"a\":[1,null]}'"),
          type("jsonpath", "'$.a[*] ? (@ > 1)'"),
          type("xml", "'<a><b/></a>'"),
          type("bit(8)", "B'00000101'"),
          type("varbit", "B'00000101'", "B''"),
          type("bit(1)", "B'1'"),
          type("inet", "'192.168.0.1/24'", "'::1'"),
          type("cidr", "'10.0.0.0/8'"),
          type("macaddr", "'08:00:2b:01:02:03'"),
          type("macaddr8", "'08:00:2b:01:02:03:04:05'"),
          type("point", "'(1,2.5)'"),
          type("line", "'{1,2,3}'"),
          type("lseg", "'[(0,0),(1,1)]'"),
          type("box", "'(1,1),(0,0)'"),
          type("path", "'((0,0),(1,1))'", "'[(0,0),(1,1)]'"),
          type("polygon", "'((0,0),(1,1),(1,0))'"),
          type("circle", "'<(1,2),3>'"),
          type("tsvector", "'a:1 b:2A'"),
          type("tsquery", "'a & !b'"),
          type("pg_lsn", "'16/B374D848'"),
          type("xid8", "'18446744073709551615'"),
          type("pg_snapshot", "'10:20:10,14,15'"),
          type("regclass", "'pg_class'"),
          type("int4range", "'[1,5)'", "'empty'", "'(,)'"),
          type("numrange", "'(1.5,)'"),
          type("tstzrange", "'[2020-01-01 00:00+05:30,infinity)'"),
          type("daterange", "'[2020-01-01,2020-02-01)'"),
          type("int4multirange", "'{[1,3),[5,7)}'"),
          type("int[]", "'{1,NULL,3}'", "'{{1,2},{3,4}}'", "'[0:1]={1,2}'", "'{}'"),
          type("text[]", "'{a,\"b,c\",NULL,\"NULL\",\"\"}'"),
          type("bytea[]", "array['\\x00'::bytea]"),
          type("numeric[]", "'{NaN,1.50}'"),
          type("timestamptz[]", "'{infinity,2020-01-01 00:00+05:30}'"),
          type("timetz[]", "'{10:00+05:30}'"),
          type("interval[]", "'{1 day,infinity}'"),
          type("money[]", "'{1.10}'"),
          type("bool[]", "'{t,f}'"),
          type("varbit[]", "array[B'0001', B'']"),
          type("point[]", "array['(1,2)'::point]"),
          type("uuid[]", "array['a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid]"),
          type("jsonb[]", "array['{\"a\":1}'::jsonb]"),
          type("mood", "'so so'"),
          type("mood[]", "'{\"so so\",sad}'"),
          type("pair", "row(1, 'a,\"b')"),
          type("pair[]", "array[row(1, 'a'), row(null, null)]::pair[]"),
          type("short", "'abc'"),
          type("short[]", "'{abc}'"),
          type("hstore", "'a=>1, b=>NULL, \"c d\"=>\"x\"'"),
          type("citext", "'MiXed'"),
          type("ltree", "'a.b.c'"));

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
      fixture.execute(
          "create extension hstore",
          "create extension citext",
          "create extension ltree",
          "create type mood as enum ('so so', 'sad')",
          "create type pair as (a int, b text)",
          "create domain short as text check (length(value) < 5)",
          createTable(),
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
          assertThat(values(update.after())).isEqualTo(expected.get(id));
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
  private static String createTable() {
    StringBuilder sql = new StringBuilder("create table types (id int primary key");
    for (int i = 0; i < TYPES.size(); i++) {
      Type type = TYPES.get(i);
      sql.append(", c").append(i).append(' ').append(type.type());
      if (!type.type().equals("pair") && !type.type().equals("pair[]")) {
        sql.append(" default ").append(type.values()[0]);
      }
    }
    return sql.append(", g int generated always as (id * 2) stored, touched int)").toString();
  }

  /** A row for each turn of values, and one of nulls only. */
  private static List<String> inserts() {
    int turns = TYPES.stream().mapToInt(type -> type.values().length).max().orElseThrow();
    List<String> inserts = new ArrayList<>();
    for (int turn = 0; turn <= turns; turn++) {
      StringBuilder sql = new StringBuilder("insert into types values (" + turn);
      for (Type type : TYPES) {
        String value = turn == turns ? "null" : type.values()[turn % type.values().length];
        sql.append(", ").append(value);
      }
      inserts.add(sql.append(")").toString());
    }
    return inserts;
  }

  private static List<List<String>> texts(CaptureFixture fixture) throws SQLException {
    StringBuilder sql = new StringBuilder("select id::text");
    for (int i = 0; i < TYPES.size(); i++) {
      // Not a cast: a cast of char(n) to text strips its blanks.
      sql.append(", case num_nulls(c" + i + ") when 0 then format('%s', c" + i + ") end");
    }
    sql.append(", g::text from types order by id");
    List<List<String>> rows = new ArrayList<>();
    try (Connection connection = fixture.source.open("test");
        Statement statement = connection.createStatement()) {
      statement.execute("set time zone 'UTC'; set extra_float_digits to 3");
      try (ResultSet row = statement.executeQuery(sql.toString())) {
        while (row.next()) {
          List<String> values = new ArrayList<>();
          for (int i = 1; i <= TYPES.size() + 2; i++) {
            values.add(plain(row.getString(i)));
          }
          rows.add(values);
        }
      }
    }
    return rows;
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
