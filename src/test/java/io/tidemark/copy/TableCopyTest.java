package io.tidemark.copy;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.copy.CopyOutcome.Completed;
import io.tidemark.sync.TableMapping;
import java.time.Duration;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What the target holds after a copy, and which of its rows were written. */
@Tag("oldest-postgres")
@Tag("database")
class TableCopyTest {
  /** Small chunks and buffers, so that small tables have many of them. */
  private static final CopySettings SMALL =
      new CopySettings(3, 64 << 10, 8 << 10, Duration.ofMinutes(10));

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
  void loadsAnEmptyTargetDirectly() {
    pg.onBoth("create table t (id int8 primary key, a text, b numeric)");
    fill("t", 5000);

    Completed done = copy(CopyRequest.difference(UUID.randomUUID(), pg.mapping("t")));

    assertEqualContent("t");
    assertCounts(done, 5000, 5000, 0, 0, 0);
    assertThat(pg.atTarget.isTrue("select to_regnamespace('tidemark') is null")).isTrue();
  }

  @Test
  void writesOnlyRowsThatDiffer() {
    pg.onBoth("create table t (id int8 primary key, a text, b numeric)");
    fill("t", 5000);
    copy(CopyRequest.difference(UUID.randomUUID(), pg.mapping("t")));
    pg.atSource.execute("update t set a = 'new' where id <= 10");
    pg.atSource.execute("delete from t where id between 11 and 15");
    pg.atSource.execute("insert into t values (9001, null, 1.10), (9002, 'y', null)");
    String unwritten = "select id, xmin from t where id > 15 and id < 9000 order by id";
    var before = pg.targetRows(unwritten);

    Completed done = copy(CopyRequest.difference(UUID.randomUUID(), pg.mapping("t")));

    assertEqualContent("t");
    assertCounts(done, 4997, 2, 10, 5, 4985);
    assertThat(pg.targetRows(unwritten)).isEqualTo(before);
    assertThat(pg.stages()).isZero();
  }

  @Test
  void seesDifferencesThatEqualityHides() {
    pg.onBoth(
        """
        create collation blind (provider = icu, locale = 'und-u-ks-level1', deterministic = false);
        create table t (id int8 primary key, n numeric, f float8, j json, p point, x xml,
                        c text collate blind, i interval)
        """);
    pg.atSource.execute(
        """
        insert into t values
          (1, 1.00, '-0', '{"a":1}', '(1,2)', '<a/>', 'A', '24 hours'),
          (2, 2, 1, '{"b":1}', '(3,4)', '<b/>', 'same', '1 day')
        """);
    pg.atTarget.execute(
        """
        insert into t values
          (1, 1.0, '0', '{"a": 1}', '(1,2)', '<a/>', 'a', '1 day'),
          (2, 2, 1, '{"b":1}', '(3,4)', '<b/>', 'same', '1 day')
        """);

    Completed done = copy(CopyRequest.difference(UUID.randomUUID(), pg.mapping("t")));

    assertEqualContent("t");
    assertCounts(done, 2, 0, 1, 0, 1);
  }

  @Test
  void updatesAKeyThatOnlyLooksEqual() {
    pg.onBoth(
        """
        create collation blind (provider = icu, locale = 'und-u-ks-level1', deterministic = false);
        create table t (id text collate blind primary key, a int)
        """);
    pg.atSource.execute("insert into t values ('KEY', 1)");
    pg.atTarget.execute("insert into t values ('key', 1)");

    Completed done = copy(CopyRequest.difference(UUID.randomUUID(), pg.mapping("t")));

    assertEqualContent("t");
    assertCounts(done, 1, 0, 1, 0, 0);
  }

  @Test
  void truncateTargetEmptiesAndLoads() {
    pg.onBoth("create table t (id int8 primary key, a text, b numeric)");
    fill("t", 3000);
    pg.atTarget.execute("insert into t select i, 'old' from generate_series(2000, 6000) i");

    Completed done = copy(CopyRequest.truncate(UUID.randomUUID(), pg.mapping("t")));

    assertEqualContent("t");
    assertCounts(done, 3000, 3000, 0, 4001, 0);
    assertThat(pg.stages()).isZero();
  }

  @Test
  void copiesAnEmptyTable() {
    pg.onBoth("create table t (id int8 primary key, a text, b numeric)");
    Completed direct = copy(CopyRequest.difference(UUID.randomUUID(), pg.mapping("t")));
    pg.atTarget.execute("insert into t values (1, 'gone', 1)");

    Completed staged = copy(CopyRequest.difference(UUID.randomUUID(), pg.mapping("t")));

    assertCounts(direct, 0, 0, 0, 0, 0);
    assertCounts(staged, 0, 0, 0, 1, 0);
    assertEqualContent("t");
  }

  @Test
  void copiesRowsOfTheFilterOnly() {
    pg.onBoth("create table t (id int8 primary key, a text, b numeric)");
    fill("t", 1000);
    pg.atTarget.execute("insert into t values (999, 'not of the filter', 1)");
    TableMapping mapping =
        pg.mapping("t", "t", Map.of(), "t.id % 10 = 0 and a <> 'x)' -- the tens");

    Completed done = copy(CopyRequest.difference(UUID.randomUUID(), mapping));

    assertCounts(done, 100, 100, 0, 1, 0);
    assertThat(pg.targetRows("select id, a, b from t order by id"))
        .isEqualTo(pg.sourceRows("select id, a, b from t where id % 10 = 0 order by id"));
  }

  @Test
  void mapsColumnsAndKeepsTheTargetsOwn() {
    pg.atSource.execute("create table t (note text, amount int4, id int4 primary key)");
    pg.atTarget.execute(
        """
        create table u (
          extra text not null default 'mine', key int8 primary key, "Amount" numeric(10, 2))
        """);
    pg.atSource.execute("insert into t select 'n', i * 3, i from generate_series(1, 100) i");
    pg.atTarget.execute("insert into u values ('kept', 5, 1)");
    TableMapping mapping = pg.mapping("t", "u", Map.of("id", "key", "amount", "Amount"), null);

    Completed done = copy(CopyRequest.difference(UUID.randomUUID(), mapping));

    assertCounts(done, 100, 99, 1, 0, 0);
    assertThat(pg.targetRows("select key, \"Amount\"::int4 from u order by key"))
        .isEqualTo(pg.sourceRows("select id, amount from t order by id"));
    assertThat(pg.atTarget.text("select extra from u where key = 5")).isEqualTo("kept");
    assertThat(pg.atTarget.text("select extra from u where key = 6")).isEqualTo("mine");
  }

  @Test
  void leavesGeneratedColumnsToTheTarget() {
    pg.onBoth(
        """
        create table t (
          id int8 generated always as identity primary key,
          a int,
          twice int generated always as (a * 2) stored)
        """);
    pg.atSource.execute("insert into t (a) select i from generate_series(1, 50) i");
    copy(CopyRequest.difference(UUID.randomUUID(), pg.mapping("t")));
    pg.atSource.execute("update t set a = -a where id < 10");
    pg.atSource.execute("insert into t (a) values (77)");

    Completed done = copy(CopyRequest.difference(UUID.randomUUID(), pg.mapping("t")));

    assertCounts(done, 51, 1, 9, 0, 41);
    assertEqualContent("t");
  }

  @Test
  void replacesRowsWhoseFixedIdentityDiffers() {
    String table =
        "create table t (id int8 primary key, n int8 generated always as identity, a text)";
    pg.onBoth(table);
    pg.atTarget.execute("alter table t add extra text default 'mine'");
    pg.atSource.execute("insert into t (id, a) select i, 'a' from generate_series(1, 5) i");
    pg.atTarget.execute(
        "insert into t (id, a, extra) select 6 - i, 'a', 'kept' from generate_series(1, 5) i");

    Completed done = copy(CopyRequest.difference(UUID.randomUUID(), pg.mapping("t")));

    assertCounts(done, 5, 0, 4, 0, 1);
    assertThat(pg.targetRows("select id, n, a from t order by id"))
        .isEqualTo(pg.sourceRows("select id, n, a from t order by id"));
    assertThat(pg.atTarget.number("select count(*) from t where extra = 'kept'")).isEqualTo(5);
  }

  @Test
  void swapsUniqueValues() {
    pg.onBoth("create table t (id int8 primary key, seat int unique, \"group\" text)");
    pg.atSource.execute("insert into t values (1, 10, 'x'), (2, 20, 'y'), (3, 30, 'z')");
    pg.atTarget.execute("insert into t values (1, 20, 'x'), (2, 10, 'y'), (4, 30, 'gone')");

    Completed done = copy(CopyRequest.difference(UUID.randomUUID(), pg.mapping("t")));

    assertCounts(done, 3, 1, 2, 1, 0);
    assertEqualContent("t");
  }

  @Test
  void takesOddNames() {
    String create =
        """
        create schema "Odd ""S";
        create table "Odd ""S"."T;%s --" ("I'd" int8 primary key, "a\\b" text, "ü ""q"" " text)
        """;
    pg.onBoth(create);
    String table = "\"Odd \"\"S\".\"T;%s --\"";
    pg.atSource.execute(
        "insert into " + table + " select i, E'\\\\N\\t' || i, '\\.' from generate_series(1, 9) i");
    pg.atTarget.execute("insert into " + table + " values (1, 'old', 'old')");

    Completed done = copy(CopyRequest.difference(UUID.randomUUID(), pg.mapping(table)));

    assertCounts(done, 9, 8, 1, 0, 0);
    assertEqualContent(table);
  }

  @Test
  void joinsPartitionsOfBothSides() {
    pg.atSource.execute(
        """
        create table t (id int8, a text, b numeric, primary key (id)) partition by range (id);
        create table t_low partition of t for values from (0) to (1000);
        create table t_high (b numeric, id int8 not null, a text);
        alter table t attach partition t_high for values from (1000) to (9999999)
        """);
    pg.atTarget.execute(
        """
        create table t (id int8, a text, b numeric, primary key (id)) partition by hash (id);
        create table t_0 partition of t for values with (modulus 2, remainder 0);
        create table t_1 partition of t for values with (modulus 2, remainder 1)
        """);
    fill("t", 4000);
    TableMapping mapping = pg.mapping("t", "t", Map.of(), "t.id > 1");
    copy(CopyRequest.difference(UUID.randomUUID(), mapping));
    pg.atSource.execute("update t set a = 'new' where id in (5, 6, 7, 2000, 2001)");
    pg.atTarget.execute("delete from t where id in (100, 3000)");
    pg.atTarget.execute("insert into t values (5001, 'gone'), (5002, 'gone')");

    Completed done = copy(CopyRequest.difference(UUID.randomUUID(), mapping));

    assertCounts(done, 3999, 2, 5, 2, 3992);
    assertThat(pg.targetRows("select * from t order by id"))
        .isEqualTo(pg.sourceRows("select * from t where id > 1 order by id"));
  }

  @Test
  void leavesInheritanceChildrenAlone() {
    pg.onBoth("create table t (id int8 primary key, a text); create table c () inherits (t)");
    pg.atSource.execute("insert into t values (1, 'a'); insert into c values (2, 'of the child')");
    pg.atTarget.execute("insert into t values (3, 'old'); insert into c values (4, 'stays')");

    Completed done = copy(CopyRequest.difference(UUID.randomUUID(), pg.mapping("t")));

    assertCounts(done, 1, 1, 0, 1, 0);
    assertThat(pg.atTarget.number("select count(*) from c")).isEqualTo(1);
  }

  @Test
  void readsAView() {
    pg.atSource.execute(
        "create table base (id int8 primary key, a text); create view t as select * from base");
    pg.atTarget.execute("create table t (id int8 primary key, a text)");
    pg.atSource.execute("insert into base select i, 'a' from generate_series(1, 20) i");
    TableMapping like = pg.mapping("base", "t", Map.of(), null);
    TableMapping mapping =
        new TableMapping(pg.shape(pg.source, "t"), like.target(), like.columns(), like.key(), null);

    Completed done = copy(CopyRequest.difference(UUID.randomUUID(), mapping));

    assertCounts(done, 20, 20, 0, 0, 0);
    assertEqualContent("t");
  }

  @Test
  void carriesBigValues() {
    pg.onBoth("create table t (id int8 primary key, a bytea, b text)");
    pg.atTarget.execute("insert into t values (1, 'old', 'old')");
    pg.atSource.execute(
        """
        insert into t
        select i, decode(repeat(md5(i::text), 300000), 'hex'), repeat('y', 10000000)
        from generate_series(1, 4) i
        """);

    Completed done = copy(CopyRequest.difference(UUID.randomUUID(), pg.mapping("t")));

    assertCounts(done, 4, 3, 1, 0, 0);
    String digest = "select id, md5(a), md5(b) from t order by id";
    assertThat(pg.targetRows(digest)).isEqualTo(pg.sourceRows(digest));
  }

  @Test
  void keepsRowsThatTheSourceLacksIfAsked() {
    pg.onBoth("create table t (id int8 primary key, a text)");
    pg.atSource.execute("insert into t values (1, 'a'), (2, 'b')");
    pg.atTarget.execute("insert into t values (2, 'old'), (3, 'kept')");

    Completed done =
        copy(
            new CopyRequest(
                UUID.randomUUID(),
                pg.mapping("t"),
                CopyRequest.Method.DIFFERENCE,
                CopyRequest.AbsentRows.KEEP));

    assertCounts(done, 2, 1, 1, 0, 0);
    assertThat(pg.atTarget.number("select count(*) from t where a = 'kept'")).isEqualTo(1);
  }

  private void fill(String table, int rows) {
    pg.atSource.execute(
        """
        insert into %s (id, a, b)
        select i, repeat('x', i %% 90), i / 7.0
        from generate_series(1, %d) i
        """
            .formatted(table, rows));
  }

  private Completed copy(CopyRequest request) {
    CopyOutcome outcome =
        new TableCopy(pg.source, pg.target, SMALL)
            .run(request, CopyHooks.NONE, new CopyProgress(System::nanoTime), new Cancellation());
    return (Completed) outcome;
  }

  private void assertEqualContent(String table) {
    String all = "select t::text from " + table + " t order by t::text collate \"C\"";
    assertThat(pg.targetRows(all)).isEqualTo(pg.sourceRows(all));
  }

  private static void assertCounts(
      Completed done, long read, long inserted, long updated, long deleted, long unchanged) {
    assertThat(
            new long[] {
              done.rowsRead(),
              done.rowsInserted(),
              done.rowsUpdated(),
              done.rowsDeleted(),
              done.rowsUnchanged()
            })
        .as("read, inserted, updated, deleted, unchanged")
        .containsExactly(read, inserted, updated, deleted, unchanged);
  }
}
