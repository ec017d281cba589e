package io.tidemark.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.TestStack;
import io.tidemark.postgres.PgDatabase;
import java.io.IOException;
import java.io.StringReader;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Every way in which SQL changes rows, from the source's log to the target. */
@Tag("engine")
class EveryChangeTest {
  private static KeptTables tables;

  @BeforeAll
  static void start() {
    tables = new KeptTables();
  }

  @AfterAll
  static void stop() {
    tables.close();
  }

  /** Values that are kept out of line, of each kind that can be. */
  private static final String LARGE =
      """
      create table %1$s (
        id int primary key, n int, code int not null,
        txt text, bin bytea, doc jsonb, arr text[], num numeric);
      create unique index %1$s_code on %1$s (code);
      alter table %1$s alter txt set storage external, alter bin set storage external,
        alter doc set storage external, alter arr set storage external,
        alter num set storage external;
      """;

  private static final String LARGE_ROW =
      """
      insert into %1$s
      select i, 0, i, repeat('t' || i, 20000), decode(repeat('0' || i %% 10, 30000), 'hex'),
        jsonb_build_object('k', repeat('j' || i, 20000)),
        array[repeat('a' || i, 20000), null, ''],
        repeat('7' || i, 4000)::numeric
      from generate_series(%2$d, %3$d) i;
      """;

  @ParameterizedTest
  @CsvSource({"large_d, default", "large_i, using index large_i_code", "large_f, full"})
  void aLargeValueThatWasNotSentStays(String table, String identity) {
    tables.both(LARGE.formatted(table));
    tables.source("alter table %s replica identity %s".formatted(table, identity));
    tables.source(LARGE_ROW.formatted(table, 1, 5));
    // The key is what the log tells of: the primary key's columns are not in the other index.
    tables.keepWith(table, identity.startsWith("using") ? ", \"key_columns\": [\"code\"]" : "");

    String[] changes = {
      "update %s set n = n + 1",
      "update %s set txt = repeat('new', 9000) where id = 1",
      "update %s set bin = null, n = 7 where id = 2",
      "update %s set id = id + 10, code = code + 10, n = 8 where id in (1, 3)",
      "update %s set n = 9 where id = 11; update %s set doc = '{}' where id = 11",
      "begin; update %s set n = 10 where id = 13; update %s set id = 14, code = 14 where id = 13;"
          + "update %s set n = 11 where id = 14; commit",
      "begin; "
          + LARGE_ROW.formatted(table, 20, 21)
          + "update %s set n = 1 where id = 20;"
          + "update %s set id = 22, code = 22 where id = 21; commit",
      "begin; delete from %s where id = 4; "
          + LARGE_ROW.formatted(table, 4, 4)
          + "update %s set n = 3 where id = 4; commit"
    };
    for (String change : changes) {
      tables.source(change.replace("%s", table));
    }

    tables.assertInStep(table);
  }

  @Test
  void keysChangeOneByOneAndByTurns() {
    tables.both(
        """
        create table k_single (id int primary key, v text);
        create table k_pair (a int, b text, v text, primary key (a, b));
        """);
    tables.source(
        """
        insert into k_single select i, 'v' || i from generate_series(1, 300) i;
        insert into k_pair select i, 'b', 'v' || i from generate_series(1, 5) i;
        """);
    tables.keep("k_single", "k_pair");

    tables.source(
        """
        update k_single set id = 1000 where id = 1;
        begin;
        update k_single set id = -1 where id = 2;
        update k_single set id = 2 where id = 3;
        update k_single set id = 3 where id = -1;
        commit;
        delete from k_single where id = 5;
        update k_single set id = 5, v = 'moved' where id = 6;
        insert into k_single values (6, 'reused');
        """);
    // Each key is free by the time that its row comes to it.
    tables.source("delete from k_single where id = 100");
    tables.source(
        """
        do $$ begin
          for i in 101 .. 300 loop
            update k_single set id = i - 1 where id = i;
          end loop;
        end $$;
        """);
    tables.source(
        """
        update k_pair set b = 'c' where a = 1;
        update k_pair set a = 7 where a = 2;
        update k_pair set a = 8, b = 'd', v = 'both' where a = 3;
        """);

    tables.assertInStep("k_single", "k_pair");
  }

  /** A run of keys, each free only because the next one has just moved on. */
  @Test
  void aRunOfKeysMovesOnInOneStatement() {
    tables.both("create table k_run (id int primary key, v text, big text)");
    tables.both("alter table k_run alter big set storage external");
    tables.source(
        "insert into k_run select i, 'v' || i, repeat(i::text, 3000)"
            + " from generate_series(500, 1, -1) i");
    tables.keep("k_run");

    tables.source("update k_run set id = id + 1");

    tables.assertInStep("k_run");
  }

  @Test
  void childrenFollowTheirParents() {
    tables.both(
        """
        create table parent (id int primary key, v text);
        create table child (
          id int primary key,
          parent_id int references parent on delete cascade on update cascade);
        """);
    tables.source(
        """
        insert into parent select i, 'p' from generate_series(1, 20) i;
        insert into child select i, 1 + i % 20 from generate_series(1, 100) i;
        """);
    tables.keep("parent", "child");

    tables.source("delete from parent where id <= 5");
    tables.source("update parent set id = id + 100 where id between 6 and 10");
    tables.source(
        "begin; delete from parent where id = 11; insert into parent values (11, 'new');"
            + " insert into child values (1000, 11); commit");
    tables.source("insert into parent values (500, 'x'); insert into child values (500, 500)");

    tables.assertInStep("parent", "child");
  }

  @Test
  void tablesAreEmptied() {
    tables.both(
        """
        create table e_one (id int generated always as identity primary key, v text);
        create table e_two (id int primary key, v text);
        create table e_parent (id int primary key);
        create table e_child (id int primary key, parent_id int references e_parent);
        """);
    tables.source(
        """
        insert into e_one (v) select 'v' from generate_series(1, 10);
        insert into e_two select i, 'v' from generate_series(1, 10) i;
        insert into e_parent select i from generate_series(1, 10) i;
        insert into e_child select i, i from generate_series(1, 10) i;
        """);
    tables.keep("e_one", "e_two", "e_parent", "e_child");

    tables.source(
        "insert into e_one (v) values ('before'); truncate e_one restart identity;"
            + " insert into e_one (v) values ('after'), ('after')");
    tables.source(
        "begin; insert into e_two values (11, 'v'); truncate e_one, e_two;"
            + " insert into e_two values (1, 'again'), (2, 'again');"
            + " truncate e_two; insert into e_two values (1, 'third'); commit");
    tables.source(
        "begin; truncate e_parent cascade; insert into e_parent values (1);"
            + " insert into e_child values (1, 1); commit");
    tables.source("begin; truncate e_two; rollback");

    tables.assertInStep("e_one", "e_two", "e_parent", "e_child");
  }

  @Test
  void rowsComeByEveryStatement() throws SQLException, IOException {
    tables.both("create table s (id int primary key, v text unique, n int default 5)");
    tables.keep("s");

    tables.source("insert into s values (1, 'a', 1), (2, 'b', null), (3, '', 3)");
    try (Connection connection = tables.fixture.source.open("test")) {
      PgDatabase.pg(connection)
          .getCopyAPI()
          .copyIn(
              "copy s (id, v) from stdin",
              new StringReader(
                  IntStream.range(10, 3000)
                      .mapToObj(i -> i + "\tc" + i + "\n")
                      .collect(Collectors.joining())));
    }
    tables.source(
        """
        insert into s values (1, 'x', 9) on conflict (id) do nothing;
        insert into s values (1, 'x', 9), (4, 'y', 4)
          on conflict (id) do update set v = excluded.v, n = s.n + 1;
        insert into s values (5, 'b', 9) on conflict (v) do update set n = excluded.n;
        merge into s using (values (2, 'm2'), (6, 'm6'), (10, null)) as d(id, v) on s.id = d.id
          when matched and d.v is null then delete
          when matched then update set v = d.v
          when not matched then insert values (d.id, d.v, 6);
        with gone as (delete from s where id = 11 returning *)
          insert into s select 5000, v, n from gone;
        """);

    tables.assertInStep("s");
  }

  @Test
  void oneKeyComesAndGoesManyTimes() {
    tables.both("create table again (id int primary key, v int, u int unique)");
    tables.keep("again");

    String turns =
        """
        do $$ begin
          for i in 1 .. 50 loop
            insert into again values (1, i, 1), (2, i, 2);
            update again set v = -i;
            delete from again where id = 1;
            insert into again values (1, i, 3);
            update again set id = 3 where id = 2;
            delete from again where id in (1, 3);
            %s
          end loop;
          insert into again values (1, 1, 1);
          update again set v = v + 1;
          delete from again where id = 2;
        end $$
        """;
    tables.source(turns.formatted(""));
    tables.source("delete from again");
    tables.source(turns.formatted("commit;"));

    tables.assertInStep("again");
    assertThat(TestStack.text(tables.fixture.target, "select v from again")).isEqualTo("2");
  }

  /** Two rows swap a unique value through a third one; and a key moves into a deleted row's. */
  @Test
  void uniqueValuesWander() {
    tables.both("create table wander (id int primary key, u text unique)");
    tables.source("insert into wander select i, 'u' || i from generate_series(1, 50) i");
    tables.keep("wander");

    tables.source(
        """
        begin;
        update wander set u = 'free' where id = 1;
        update wander set u = 'u1' where id = 2;
        update wander set u = 'u2' where id = 1;
        commit;
        begin;
        delete from wander where id = 3;
        update wander set id = 3, u = 'u3' where id = 4;
        insert into wander values (4, 'u4');
        commit;
        """);

    tables.assertInStep("wander");
  }

  @Test
  void whatWasRolledBackNeverArrives() {
    tables.both("create table r (id int primary key, v text)");
    tables.source("insert into r values (1, 'kept')");
    tables.keep("r");

    tables.source(
        """
        begin; insert into r values (2, 'gone'); update r set v = 'gone' where id = 1; rollback;
        begin;
        insert into r values (3, 'in');
        savepoint a; insert into r values (4, 'gone');
        savepoint b; insert into r values (5, 'gone');
        savepoint c; update r set v = 'gone' where id = 1; release c;
        rollback to b; insert into r values (6, 'gone too');
        rollback to a; insert into r values (4, 'in');
        savepoint d; insert into r values (7, 'in'); release d;
        savepoint e; truncate r; rollback to e;
        savepoint f; update r set id = 8 where id = 7; release f;
        commit;
        begin; truncate r; rollback;
        """);
    tables.source(
        """
        do $$ begin
          for i in 100 .. 400 loop
            begin
              insert into r values (i, 'sub');
              begin
                update r set v = 'deep' where id = i;
                if i % 3 = 0 then raise exception 'undo'; end if;
              exception when raise_exception then
                insert into r values (-i, 'caught');
              end;
              if i % 5 = 0 then raise exception 'undo'; end if;
            exception when raise_exception then null;
            end;
          end loop;
        end $$
        """);

    tables.assertInStep("r");
  }

  @Test
  void whatChangesNoRowChangesNothing() {
    tables.both("create table quiet (id int primary key, v text, gone int, w text)");
    tables.both("alter table quiet drop column gone");
    tables.source("insert into quiet values (1, 'a', 'x'), (2, null, '')");
    tables.keep("quiet");

    tables.source(
        """
        select pg_logical_emit_message(true, 'others', 'x');
        select pg_logical_emit_message(false, 'others', 'x');
        begin; select pg_logical_emit_message(true, 'others', 'x');
          insert into quiet values (3, 'c', null);
          select pg_logical_emit_message(false, 'others', 'x'); commit;
        begin; select * from quiet for update; commit;
        begin; select * from quiet for key share; update quiet set v = v; commit;
        update quiet set v = 'none' where id = 99;
        begin; commit;
        begin; create table quiet_other (id int); drop table quiet_other; commit;
        """);

    tables.assertInStep("quiet");
  }

  /** One that fires for our rows as well; the others do not. */
  @Test
  void aRowThatATriggerOfTheTargetLeavesOutIsSetAsideAlone() {
    tables.both("create table trig (id int primary key, v text)");
    tables.target(
        """
        create function leave_out() returns trigger language plpgsql as $$
        begin
          if tg_op = 'DELETE' then return case when old.v = 'stays' then null else old end; end if;
          return case when new.v like 'out%' then null else new end;
        end $$;
        create trigger leave_out before insert or update or delete on trig
          for each row execute function leave_out();
        alter table trig enable always trigger leave_out;
        create function fail() returns trigger language plpgsql as $$
        begin raise exception 'fired'; end $$;
        create trigger fail before insert or update or delete on trig
          for each row execute function fail();
        """);
    tables.source("insert into trig values (1, 'a'), (2, 'b'), (3, 'stays')");
    tables.keep("trig");

    tables.source(
        """
        insert into trig values (4, 'd'), (5, 'out'), (6, 'f');
        update trig set v = 'out too' where id = 1;
        update trig set id = 20, v = 'out' where id = 2;
        delete from trig where id in (3, 6);
        update trig set v = 'through' where id = 4;
        """);

    UUID trig = tables.configuration("trig");
    tables.arrive(trig);
    assertThat(
            TestStack.text(
                tables.fixture.target,
                "select string_agg(id || ' ' || v, ',' order by id) from trig"))
        .isEqualTo("1 a,2 b,3 stays,4 through");
    assertThat(tables.fixture.find(trig).rowsParked()).isEqualTo(4);
  }

  @Test
  void tablesAreWrittenAnewBetweenChanges() {
    tables.both("create table anew (id int primary key, v text, big text, n int)");
    tables.both("alter table anew alter big set storage external");
    tables.source(
        "insert into anew select i, 'v', repeat('x' || i, 3000), i from generate_series(1, 50) i");
    tables.keep("anew");

    tables.source("update anew set v = 'w' where id < 5; delete from anew where id = 6");
    tables.source("vacuum full anew");
    tables.source("update anew set v = 'x' where id < 4");
    tables.source("cluster anew using anew_pkey");
    tables.source("update anew set id = 600 where id = 7");
    tables.source(
        """
        begin;
        update anew set v = 'y' where id = 8;
        alter table anew add column noise double precision default random();
        update anew set n = -1 where id = 9;
        insert into anew values (700, 'z', 'b', 1, 2);
        alter table anew drop column noise;
        create index on anew (n);
        update anew set v = 'z' where id = 8;
        commit;
        """);
    tables.source("alter table anew alter column v type text collate \"C\" using v");
    tables.source("vacuum anew");
    tables.source("update anew set v = 'last' where id = 10");

    tables.assertInStep("anew");
    tables.copy("anew");
    tables.assertInStep("anew");
  }
}
