package io.tidemark;

import static java.util.stream.Collectors.toMap;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Every type that a column can have, with values as SQL that are hard on it. A test takes those
 * that its server knows, and an array of each.
 */
public final class SqlTypes {
  /** What {@link #MAKE} makes, in a database of tests. */
  public static final List<String> EXTENSIONS =
      List.of("hstore", "citext", "ltree", "cube", "seg", "isn", "lo");

  /** The types of these lists that users make. */
  public static final String MAKE =
      """
      create type mood as enum ('so so', 'sad', 'it''s \\ "odd"');
      create domain short as text check (length(value) < 5);
      create domain some_numbers as int[] check (cardinality(value) < 9);
      create type pair as (a int, "b ""B" text);
      create type nested as (p pair, more pair[], at timestamptz, m mood);
      create type floats as range (subtype = float8, subtype_diff = float8mi);
      create schema "Odd ""S\""";
      create type "Odd ""S\"""."Type x" as enum ('A', 'a')
      """;

  private static final Set<String> ARRAYS_THEMSELVES =
      Set.of("int2vector", "oidvector", "some_numbers");

  private SqlTypes() {}

  /**
   * One type.
   *
   * @param values SQL expressions
   */
  public record SqlType(String type, List<String> values) {
    private static SqlType of(String type, String... values) {
      return new SqlType(type, List.of(values));
    }

    /** Whether SQL can make arrays of it: {@code array[…]} of what is one already has no type. */
    public boolean hasArrays() {
      return !ARRAYS_THEMSELVES.contains(type);
    }

    /** One of the values, the turn counting on. */
    public String value(int turn) {
      return "(" + values.get(turn % values.size()) + ")::" + type;
    }

    /** An array: with a null, of two dimensions, with another lower bound, empty. */
    public String array(int turn) {
      String one = value(turn);
      String other = value(turn + 1);
      return switch (turn % 4) {
        case 0 -> "array[%s, null, %s]".formatted(one, other);
        case 1 -> "array[[%s, null], [%s, %s]]".formatted(one, other, one);
        case 2 -> "('[-2:-1]=' || array[%s, %s]::text)::%s[]".formatted(one, other, type);
        default -> "array[]::%s[]".formatted(type);
      };
    }
  }

  /** What PostgreSQL itself brings. */
  private static final List<SqlType> BUILT_IN =
      List.of(
          SqlType.of("boolean", "true", "false"),
          SqlType.of("smallint", "'-32768'", "32767"),
          SqlType.of("integer", "'-2147483648'", "0"),
          SqlType.of("bigint", "'-9223372036854775808'", "9223372036854775807"),
          SqlType.of(
              "real", "0.1", "'NaN'", "'Infinity'", "'-Infinity'", "'-0'", "1e-45", "3.4028235e38"),
          SqlType.of(
              "double precision",
              "0.1",
              "'NaN'",
              "'-Infinity'",
              "'-0'",
              "5e-324",
              "1.7976931348623157e308"),
          SqlType.of(
              "numeric",
              "123.4500",
              "'NaN'",
              "'Infinity'",
              "'-Infinity'",
              "0.00",
              "1e-30",
              "('1' || repeat('0', 2000) || '.' || repeat('1', 2000))",
              "1e131071"),
          SqlType.of("numeric(20,5)", "123.45", "'NaN'", "'-999999999999999.99999'"),
          SqlType.of("numeric(3,-2)", "12345"),
          SqlType.of("money", "'12.50'", "'-92233720368547758.08'"),
          SqlType.of(
              "text",
              "E'h\\u00e9llo \\u2603 \\U0001F600'",
              "''",
              "E'a\\nb\\t\"\\\\\\r\\x01'",
              "'\\N'",
              "repeat('x', 9000)"),
          SqlType.of("character varying(10)", "'abc  '"),
          SqlType.of("character(5)", "'ab'", "''"),
          SqlType.of("\"char\"", "'x'", "''", "'\\351'"),
          SqlType.of("name", "'nm'"),
          SqlType.of("bytea", "'\\x00ff10'", "''", "decode(repeat('00ff', 5000), 'hex')"),
          SqlType.of(
              "date",
              "'2024-02-29'",
              "'infinity'",
              "'-infinity'",
              "'4713-01-01 BC'",
              "'5874897-12-31'"),
          SqlType.of("time without time zone", "'12:34:56.789'", "'24:00'", "'00:00:00.000001'"),
          SqlType.of("time(0) without time zone", "'23:59:59'"),
          SqlType.of(
              "time with time zone", "'10:00+05:30'", "'24:00:00+00'", "'01:02:03.4-15:59:59'"),
          SqlType.of(
              "timestamp without time zone",
              "'2024-02-29 23:59:59.123456'",
              "'infinity'",
              "'-infinity'",
              "'4713-01-01 00:00:00 BC'",
              "'294276-12-31 23:59:59.999999'"),
          SqlType.of(
              "timestamp with time zone",
              "'2024-02-29 23:59:59.123456+05:30'",
              "'infinity'",
              "'-infinity'",
              "'0044-03-15 BC'",
              "'294276-12-31 23:59:59.999999Z'"),
          SqlType.of("timestamp(3) with time zone", "'2024-02-29 23:59:59.123Z'"),
          SqlType.of(
              "interval",
              "'1 year 2 mons -3 days 04:05:06.789'",
              "'-178000000 years'",
              "'00:00:00.000001'"),
          SqlType.of("interval day to second(3)", "'3 days 04:05:06.789'"),
          SqlType.of("uuid", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"),
          SqlType.of("json", "'{\"b\" : 1, \"a\":1, \"a\":2}'", "' [1,  null] '", "'1e400'"),
          SqlType.of("jsonb", "'{\"b\" : 1.10, \"a\":[1,null]}'", "'null'", "'\"x\\u00e9\"'"),
          SqlType.of("jsonpath", "'$.a[*] ? (@ > 1)'"),
          SqlType.of("xml", "'<a><b/></a>'", "'text only &amp; <a/>'"),
          SqlType.of("bit(8)", "B'00000101'"),
          SqlType.of("bit(1)", "B'1'"),
          SqlType.of("bit varying", "B'00000101'", "B''"),
          SqlType.of("inet", "'192.168.0.1/24'", "'::1'", "'::ffff:1.2.3.4/128'"),
          SqlType.of("cidr", "'10.0.0.0/8'", "'::/0'"),
          SqlType.of("macaddr", "'08:00:2b:01:02:03'"),
          SqlType.of("macaddr8", "'08:00:2b:01:02:03:04:05'"),
          SqlType.of("point", "'(1,2.5)'", "'(-0,NaN)'", "'(Infinity,1e-300)'"),
          SqlType.of("line", "'{1,2,3}'"),
          SqlType.of("lseg", "'[(0,0),(1,1)]'"),
          SqlType.of("box", "'(1,1),(0,0)'"),
          SqlType.of("path", "'((0,0),(1,1))'", "'[(0,0),(1,1)]'"),
          SqlType.of("polygon", "'((0,0),(1,1),(1,0))'"),
          SqlType.of("circle", "'<(1,2),3>'"),
          SqlType.of("tsvector", "'a:1 b:2A ''c d'':3'", "''"),
          SqlType.of("tsquery", "'a & !b <2> c:*A'"),
          SqlType.of("int4range", "'[1,5)'", "'empty'", "'(,)'"),
          SqlType.of("int8range", "'(,9223372036854775807)'"),
          SqlType.of("numrange", "'(1.50,)'", "'[-Infinity,NaN]'"),
          SqlType.of("daterange", "'[2020-01-01,2020-02-01)'", "'[-infinity,infinity]'"),
          SqlType.of("tsrange", "'[2020-01-01 00:00,infinity)'"),
          SqlType.of("tstzrange", "'[2020-01-01 00:00+05:30,infinity)'"),
          SqlType.of("int4multirange", "'{[1,3),[5,7)}'", "'{}'"),
          SqlType.of("int8multirange", "'{[1,3)}'"),
          SqlType.of("nummultirange", "'{[1.10,2],(3,)}'"),
          SqlType.of("datemultirange", "'{[2020-01-01,2020-02-01)}'"),
          SqlType.of("tsmultirange", "'{[2020-01-01,2020-02-01)}'"),
          SqlType.of("tstzmultirange", "'{[2020-01-01Z,2020-02-01Z)}'"),
          SqlType.of("pg_lsn", "'16/B374D848'"),
          SqlType.of("xid", "'4294967295'"),
          SqlType.of("xid8", "'18446744073709551615'"),
          SqlType.of("cid", "'7'"),
          SqlType.of("tid", "'(4294967295,65535)'"),
          SqlType.of("pg_snapshot", "'10:20:10,14,15'"),
          SqlType.of("txid_snapshot", "'10:20:10,14,15'"),
          SqlType.of("oid", "'4294967295'"),
          SqlType.of("oidvector", "'1 2 3'", "''"),
          SqlType.of("int2vector", "'1 -2 3'"),
          SqlType.of("refcursor", "'c1'"),
          SqlType.of("aclitem", "'=r/pg_monitor'"),
          SqlType.of("regclass", "'pg_class'", "'types'"),
          SqlType.of("regcollation", "'\"C\"'"),
          SqlType.of("regconfig", "'english'"),
          SqlType.of("regdictionary", "'simple'"),
          SqlType.of("regnamespace", "'public'"),
          SqlType.of("regoper", "'||/'"),
          SqlType.of("regoperator", "'+(integer,integer)'"),
          SqlType.of("regproc", "'now'"),
          SqlType.of("regprocedure", "'lower(text)'"),
          SqlType.of("regrole", "'pg_monitor'"),
          SqlType.of("regtype", "'timestamp with time zone'", "'mood'"));

  /** Types of users and of extensions. */
  private static final List<SqlType> MADE =
      List.of(
          SqlType.of("mood", "'so so'", "'sad'", "'it''s \\ \"odd\"'"),
          SqlType.of("\"Odd \"\"S\"\"\".\"Type x\"", "'A'", "'a'"),
          SqlType.of("short", "'abc'", "''"),
          SqlType.of("some_numbers", "'{1,NULL}'", "'[0:1]={1,2}'"),
          SqlType.of("pair", "row(1, 'a,\"b\\')", "row(null, null)", "row(2, '')"),
          SqlType.of(
              "nested",
              "row(row(1, 'x y'), array[row(1, 'a,b')::pair, null], '2024-01-01Z', 'so so')"),
          SqlType.of("floats", "'[0.1,NaN]'", "'(,Infinity)'"),
          SqlType.of("floats_multirange", "'{[0.1,0.2],[0.3,)}'"),
          SqlType.of("hstore", "'a=>1, b=>NULL, \"c d\"=>\"x\"'", "''"),
          SqlType.of("citext", "'MiXed'"),
          SqlType.of("ltree", "'a.b.c'"),
          SqlType.of("lquery", "'*.a*@.b|c'"),
          SqlType.of("ltxtquery", "'a & b*'"),
          SqlType.of("cube", "'(1,2),(3,4.5)'"),
          SqlType.of("seg", "'1.5e2 .. 1.75e2'", "'~6.50'"),
          SqlType.of("isbn", "'0-306-40615-2'"),
          SqlType.of("ean13", "'0220356483481'"),
          SqlType.of("lo", "'1234'"));

  /** Values that older servers do not have. */
  private static final List<SqlType> SINCE_17 =
      List.of(SqlType.of("interval", "'infinity'", "'-infinity'"));

  /**
   * Types whose text PostgreSQL itself does not read. What they hold belongs to one server's
   * planner or indexes.
   */
  public static final List<String> UNREADABLE =
      List.of(
          "gtsvector",
          "pg_brin_bloom_summary",
          "pg_brin_minmax_multi_summary",
          "pg_dependencies",
          "pg_mcv_list",
          "pg_ndistinct",
          "pg_node_tree");

  /** All types, with the values that a server takes. */
  public static List<SqlType> of(int serverMajor) {
    return Stream.of(BUILT_IN, MADE, serverMajor >= 17 ? SINCE_17 : List.<SqlType>of())
        .flatMap(List::stream)
        .collect(
            toMap(
                SqlType::type,
                SqlType::values,
                (some, more) -> Stream.concat(some.stream(), more.stream()).toList(),
                LinkedHashMap::new))
        .entrySet()
        .stream()
        .map(one -> new SqlType(one.getKey(), one.getValue()))
        .toList();
  }

  /** How many rows show every value and every shape of array. */
  public static int turns(List<SqlType> types) {
    return Math.max(4, types.stream().mapToInt(type -> type.values().size()).max().orElseThrow());
  }
}
