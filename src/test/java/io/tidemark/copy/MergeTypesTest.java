package io.tidemark.copy;

import static io.tidemark.conflict.ConflictResolution.SOURCE_WINS;
import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.conflict.Detected;
import io.tidemark.copy.MergeOutcome.Completed;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Rows are compared by content, whatever their types and keys, and little of them is copied. */
@Tag("every-postgres")
@Tag("database")
class MergeTypesTest {
  private PgFixture pg;
  private RecordedConflicts log;

  @BeforeEach
  void open() {
    pg = new PgFixture();
    log = new RecordedConflicts();
  }

  @AfterEach
  void close() {
    pg.close();
  }

  private Completed merge() {
    return Merges.completed(pg, pg.mapping("t"), SOURCE_WINS, MergeJoin.none(), log);
  }

  /** Merges, merges again, and expects that the second one finds all rows equal. */
  private Completed mergeTwice(long rows) {
    Completed first = merge();
    int conflicts = log.all().size();
    Completed second = merge();

    assertThat(first.conflictsDetected()).isEqualTo(conflicts);
    assertThat(log.all()).hasSize(conflicts);
    assertThat(second.rowsUnchanged()).isEqualTo(rows);
    assertThat(second.rowsRead()).isEqualTo(rows);
    return first;
  }

  @Test
  void everyKindOfTypeIsToldApart() {
    pg.onBoth(
        """
        create type mood as enum ('sad', 'odd');
        create type pair as (a mood, b text);
        create table t (
          id uuid primary key, b bool, f8 float8, n numeric, n2 numeric(8, 3), c char(5),
          by bytea, tz timetz(3), tstz timestamptz, iv interval, j json, jb jsonb, x xml, inet inet,
          bits bit(3), p point, r int4range, ta text[], m mood, pr pair, mo money)
        """);
    pg.onBoth(
        """
        insert into t values
          ('00000000-0000-0000-0000-000000000001', true, 'NaN', 1.50, 1.5, 'a', '\\x00ff',
           '12:00:00.123+05:45', '2024-02-29 23:59:59.999999+05:45', '1 mon -3 days',
           '{"a" : 1}', '{"z": [1, null]}', '<a/>', '::1/64', '101', '(1,-0)', '[1,5)',
           '{"a,b",NULL,"\\""}', 'odd', '(odd,"a b")', '1.50'),
          ('00000000-0000-0000-0000-000000000002', null, '-0', null, null, null, null, null, null,
           null, null, null, null, null, null, null, null, null, null, '(,)', null)
        """);
    String[] changes = {
      "f8 = '0'",
      "n = 1.500",
      "n2 = 1.501",
      "c = 'a b'",
      "by = '\\x00'",
      "iv = '27 days'",
      "j = '{\"a\": 1}'",
      "jb = '{\"z\": [1]}'",
      "inet = '::1'",
      "p = '(1,0)'",
      "ta = '{\"a,b\"}'",
      "pr = null",
      "mo = '1.51'",
      "tstz = 'infinity'"
    };
    assertThat(merge().rowsUnchanged()).isEqualTo(2);
    for (String change : changes) {
      pg.atSource.execute("update t set " + change);
      Completed done = merge();
      assertThat(done.rowsUpdated()).as(change).isPositive();
      assertThat(pg.targetRows("select t::text from t order by id"))
          .isEqualTo(pg.sourceRows("select t::text from t order by id"));
    }
    Detected last = log.all().get(log.all().size() - 1);
    assertThat(last.differing()).containsExactly("tstz");
  }

  @Test
  void valuesAreComparedAsTheTargetsTypeHasThem() {
    pg.atSource.execute(
        """
        create table t (id int4 primary key, n numeric(6, 2), ts timestamptz, v varchar(10), i int2)
        """);
    pg.atTarget.execute(
        """
        create table t (id int8 primary key, n numeric(6, 3), ts timestamptz(0), v text, i numeric)
        """);
    pg.atSource.execute(
        "insert into t select i, i / 7.0, '2024-01-01 00:00:00.6Z', 'v' || i, i"
            + " from generate_series(1, 3000) i");
    merge();
    pg.atTarget.execute("update t set n = n + 0.001 where id = 77");

    Completed done = mergeTwice(3000);

    assertThat(done.rowsUpdated()).isEqualTo(1);
    assertThat(log.of("77").differing()).containsExactly("n");
    assertThat(copiedRows(done)).isLessThan(300);
  }

  @Test
  void typesThatTheSourceCannotForeseeAreComparedInTheStage() {
    pg.atSource.execute("create table t (id int8 primary key, a varchar(20), f float8)");
    pg.atTarget.execute("create table t (id int8 primary key, a jsonb, f numeric)");
    pg.atSource.execute(
        "insert into t select i, '{\"a\":   1}', i + 0.1 from generate_series(1, 2000) i");
    merge();
    pg.atTarget.execute("update t set a = '{}' where id = 5");

    Completed done = mergeTwice(2000);

    assertThat(done.rowsUpdated()).isEqualTo(1);
  }

  @Test
  void rowsThatHaveSwappedTheirValuesAreToldApart() {
    pg.onBoth("create table t (id int8 primary key, a text, b text)");
    pg.onBoth("insert into t select i, 'a' || i, 'b' || i from generate_series(1, 1000) i");
    pg.atTarget.execute("update t set a = 'a' || (1001 - id)");

    Completed done = mergeTwice(1000);

    assertThat(done.rowsUpdated()).isEqualTo(1000);
  }

  @Test
  void oddNamesAndCompositeKeysAreTheirRow() {
    String table = "\"Odd \"\"S\"\"\".\"t \"\"x\"\" $1\"";
    pg.onBoth("create schema \"Odd \"\"S\"\"\"");
    pg.onBoth(
        "create table "
            + table
            + " (\"a b\" text collate \"C\", \"sel\"\"ect\" int4, \"%s\" text,"
            + " primary key (\"sel\"\"ect\", \"a b\"))");
    pg.onBoth(
        "insert into "
            + table
            + " select 'k,\"\\' || i % 10, i, 'v' from generate_series(1, 2000) i");
    pg.atSource.execute("update " + table + " set \"%s\" = null where \"sel\"\"ect\" = 1234");
    pg.atSource.execute("insert into " + table + " values ('{NULL}', 1234, 'new')");

    Completed done = Merges.completed(pg, pg.mapping(table), SOURCE_WINS, MergeJoin.none(), log);

    assertThat(done.rowsUpdated()).isEqualTo(1);
    assertThat(done.rowsInserted()).isEqualTo(1);
    assertThat(log.of("1234").key().value(1)).isEqualTo("k,\"\\4");
    assertThat(copiedRows(done)).isLessThan(400);
  }

  @Test
  void keysSortedOtherwiseByTheTargetMeetAllTheSame() {
    pg.onBoth(
        "create collation odd (provider = icu, locale = 'en-u-ks-level1', deterministic = false)");
    pg.atSource.execute("create table t (id text collate \"C\" primary key, a text)");
    pg.atTarget.execute("create table t (id text collate odd primary key, a text)");
    pg.atSource.execute("insert into t select 'Key ' || i, 'same' from generate_series(1, 2000) i");
    pg.atTarget.execute("insert into t select 'key ' || i, 'same' from generate_series(1, 10) i");
    pg.atTarget.execute(
        "insert into t select 'Key ' || i, 'same' from generate_series(11, 2000) i");

    Completed done = mergeTwice(2000);

    assertThat(done.rowsInserted()).isZero();
    assertThat(done.rowsUpdated()).isEqualTo(10);
    assertThat(log.of("Key 1").target().value(0)).isEqualTo("key 1");
  }

  @Test
  void partitionedTargetsAndIdentityColumnsAreMerged() {
    pg.atSource.execute("create table t (id int8 primary key, a text)");
    pg.atTarget.execute(
        """
        create table t (id int8 generated always as identity primary key, a text)
          partition by hash (id);
        create table t0 partition of t for values with (modulus 2, remainder 0);
        create table t1 partition of t for values with (modulus 2, remainder 1)
        """);
    pg.onBoth(
        "insert into t overriding system value select i, 'same' from generate_series(1, 1000) i");
    pg.atSource.execute("update t set a = 'source' where id <= 10");
    pg.atSource.execute("insert into t values (1001, 'new')");

    Completed done = mergeTwice(1001);

    assertThat(done.rowsUpdated()).isEqualTo(10);
    assertThat(done.rowsInserted()).isEqualTo(1);
    assertThat(log.all()).allSatisfy(one -> assertThat(one.target().value(1)).isEqualTo("same"));
  }

  @Test
  void oneRowInAMillionIsFoundAndLittleIsCopied() {
    pg.onBoth("create table t (id int8 primary key, a text)");
    pg.onBoth("insert into t select i, md5(i::text) from generate_series(1, 1000000) i");
    pg.onBoth("analyze t");
    pg.atTarget.execute("update t set a = 'strayed' where id = 654321");

    Completed done = merge();

    assertThat(log.all())
        .singleElement()
        .satisfies(one -> assertThat(one.target().value(1)).isEqualTo("strayed"));
    assertThat(done.rowsRead()).isEqualTo(1_000_000);
    assertThat(done.rowsUnchanged()).isEqualTo(999_999);
    assertThat(done.rowsUpdated()).isEqualTo(1);
    assertThat(copiedRows(done)).isLessThan(100);
  }

  /** A row of these tests has 20 bytes at least. */
  private static long copiedRows(Completed done) {
    return done.bytes() / 20;
  }
}
