package io.tidemark.copy;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.change.OperatingFailure.Kind;
import io.tidemark.copy.CopyOutcome.Completed;
import io.tidemark.postgres.PgSession;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Values of every kind of type arrive as they were, in either form of COPY. */
@Tag("oldest-postgres")
@Tag("database")
class CopyTypesTest {
  private static final String BUILT_IN =
      """
      create table t (
        id uuid primary key, b bool, i2 int2, f4 float4, f8 float8, n numeric, n2 numeric(8, 3),
        m money, c char(5), v varchar(9), tx text, by bytea, d date, ti time, tz timetz(3),
        ts timestamp, tstz timestamptz, iv interval, j json, jb jsonb, jp jsonpath, x xml,
        inet inet, cidr cidr, mac macaddr, bits bit(3), vbits varbit, p point, bx box, poly polygon,
        tsv tsvector, tsq tsquery, lsn pg_lsn, r int4range, mr tstzmultirange, ia int4[],
        ta text[], name name, ch "char", o oid)
      """;

  private static final String BUILT_IN_ROWS =
      """
      insert into t values
        ('00000000-0000-0000-0000-000000000001', true, -32768, 'NaN', '-Infinity',
         '123456789012345678901234567890.00100', -1.5, '-12.34', 'a', E'\\t\\n\\\\', E'\\\\N \u00e9\u20ac',
         '\\x00ff', '0044-03-15 BC', '24:00', '12:00:00.123+05:45', 'infinity',
         '2024-02-29 23:59:59.999999+05:45', '1 mon -3 days 04:05:06.7', '{"a" : 1, "a": 2}',
         '{"z": [1, null]}', '$.a[*] ? (@ > 1)', '<a>&amp;</a>', '::1/64', '10.0.0.0/8',
         '08:00:2b:01:02:03', '101', '', '(1,-0)', '(1,1),(0,0)', '((0,0),(1,1),(1,0))',
         'a:1A fat:2', 'a & !b', '16/B374D848', '[1,5)', '{[2024-01-01,2024-02-01)}',
         '[2:3]={1,NULL}', '{"a,b",NULL,"\\""}', 'n', 'x', 4000000000);
      insert into t (id, f4, f8, n)
      values ('00000000-0000-0000-0000-000000000002', '-0', '1e-320', 'Infinity')
      """;

  private PgFixture pg;

  @BeforeEach
  void open() {
    pg = new PgFixture();
  }

  @AfterEach
  void close() {
    pg.close();
  }

  @Test
  void builtInTypesTravelAsBinary() {
    pg.onBoth(BUILT_IN);
    pg.atSource.execute(BUILT_IN_ROWS);

    assertThat(format()).isEqualTo(CopyFormat.BINARY);
    assertArrivesBothWays();
  }

  @Test
  void typesOfTheUserTravelAsBinaryWhereTheirFormHoldsNoOid() {
    // The target's types get other oids than the source's.
    pg.atTarget.execute("create type filler as enum ('x')");
    pg.onBoth(
        """
        create type mood as enum ('sad', 'odd '' \\ mood');
        create domain positive as int check (value > 0);
        create table t (id int8 primary key, m mood, p positive)
        """);
    pg.atSource.execute("insert into t values (1, 'sad', 1), (2, 'odd '' \\ mood', null)");

    assertThat(format()).isEqualTo(CopyFormat.BINARY);
    assertArrivesBothWays();
  }

  @Test
  void typesWhoseFormHoldsAnOidTravelAsText() {
    pg.atTarget.execute("create type filler as enum ('x')");
    pg.onBoth(
        """
        create type mood as enum ('sad', 'odd');
        create type pair as (a mood, b text);
        create table t (id int8 primary key, m mood[], p pair, c regclass)
        """);
    pg.atSource.execute(
        "insert into t values (1, '{sad,NULL}', '(odd,\"a\\\\b\")', 't'), (2, null, null, null)");

    assertThat(format()).isEqualTo(CopyFormat.TEXT);
    assertArrivesBothWays();
  }

  @Test
  void typesThatDifferTravelAsText() {
    pg.atSource.execute("create table t (id int4 primary key, a varchar(20), b timestamptz)");
    pg.atTarget.execute("create table t (id int8 primary key, a jsonb, b timestamptz(0))");
    pg.atSource.execute(
        "insert into t values (1, '{}', '2024-01-01 00:00:00.6Z'), (2, null, null)");

    assertThat(format()).isEqualTo(CopyFormat.TEXT);
    Completed done = copy();
    assertThat(done.rowsInserted()).isEqualTo(2);
    assertThat(pg.atTarget.text("select (b = '2024-01-01 00:00:01Z')::text from t where id = 1"))
        .isEqualTo("true");
    assertThat(copy().rowsUnchanged()).isEqualTo(2);
  }

  private void assertArrivesBothWays() {
    long rows = pg.atSource.number("select count(*) from t");
    Completed direct = copy();
    assertEqualContent();
    pg.atTarget.execute("delete from t where ctid = '(0,1)'");
    Completed staged = copy();

    assertEqualContent();
    assertThat(direct.rowsInserted()).isEqualTo(rows);
    assertThat(staged.rowsInserted()).isEqualTo(1);
    assertThat(staged.rowsUnchanged()).isEqualTo(rows - 1);
  }

  private void assertEqualContent() {
    String all = "select t::text from t order by id";
    assertThat(pg.targetRows(all)).isEqualTo(pg.sourceRows(all));
  }

  private CopyFormat format() {
    try (PgSession from = PgSession.open(pg.source, Kind.SOURCE, "test", "t");
        PgSession to = PgSession.open(pg.target, Kind.TARGET, "test", "t")) {
      return CopyFormat.of(pg.mapping("t"), from, to);
    }
  }

  private Completed copy() {
    return (Completed)
        new TableCopy(pg.source, pg.target, CopySettings.DEFAULTS)
            .run(
                CopyRequest.difference(UUID.randomUUID(), pg.mapping("t")),
                CopyHooks.NONE,
                new CopyProgress(System::nanoTime),
                new Cancellation());
  }
}
