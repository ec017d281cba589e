package io.tidemark.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.tidemark.TestStack;
import io.tidemark.sync.SyncState;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Changes of tables of every make: partitions, keys, computed columns, names, widths. */
@Tag("every-postgres")
@Tag("engine")
class EveryTableTest {
  private static KeptTables tables;

  @BeforeAll
  static void start() {
    tables = new KeptTables();
  }

  @AfterAll
  static void stop() {
    tables.close();
  }

  private static final String PLAIN =
      "create table %1$s (id int, region text, v text, big text, primary key (id, region));"
          + "alter table %1$s alter big set storage external;";

  /** Two levels, and a partition with its columns in another order. */
  private static final String BY_REGION =
      """
      create table %1$s (id int, region text, v text, big text, primary key (id, region))
        partition by list (region);
      create table %1$s_a partition of %1$s for values in ('a') partition by range (id);
      create table %1$s_a1 partition of %1$s_a for values from (minvalue) to (50);
      create table %1$s_a2 (big text, v text, gone int, region text not null, id int not null,
        primary key (id, region));
      alter table %1$s_a2 drop column gone;
      alter table %1$s_a attach partition %1$s_a2 for values from (50) to (maxvalue);
      create table %1$s_rest partition of %1$s default;
      """;

  private static final String BY_HASH =
      """
      create table %1$s (region text, id int, big text, v text, primary key (id, region))
        partition by hash (id);
      create table %1$s_0 partition of %1$s for values with (modulus 2, remainder 0);
      create table %1$s_1 partition of %1$s for values with (modulus 2, remainder 1);
      """;

  @Test
  void partitionedTablesAndPlainOnesFlowIntoEachOther() {
    tables.source(BY_REGION.formatted("p_plain"));
    tables.target(PLAIN.formatted("p_plain"));
    tables.source(PLAIN.formatted("plain_p"));
    tables.target(BY_REGION.formatted("plain_p"));
    tables.source(BY_REGION.formatted("p_p"));
    tables.target(BY_HASH.formatted("p_p"));
    String[] all = {"p_plain", "plain_p", "p_p"};
    for (String one : all) {
      tables.source(
          """
          insert into %1$s select i, (array['a', 'b', 'c'])[1 + i %% 3], 'v', repeat('x' || i, 3000)
          from generate_series(1, 100) i
          """
              .formatted(one));
    }
    tables.keep(all);

    for (String one : all) {
      tables.source(
          """
          insert into %1$s values (200, 'a', 'new', 'b'), (201, 'b', null, null);
          update %1$s set v = 'w' where id < 10;
          update %1$s set region = 'b' where id between 10 and 20 and region = 'a';
          update %1$s set region = 'a', v = 'back' where id between 15 and 30 and region <> 'a';
          update %1$s set id = id + 1000 where id between 31 and 40;
          delete from %1$s where id between 41 and 50;
          begin; update %1$s set region = 'c' where id = 60; update %1$s set region = 'a' where id = 60;
          update %1$s set v = 'moved' where id = 60; commit;
          """
              .formatted(one));
    }

    for (String one : all) {
      tables.assertAlike(one, "select id, region, v, big from " + one);
      tables.source(
          "begin; truncate %1$s; insert into %1$s values (1, 'a', 'x', ''); commit".formatted(one));
      tables.assertAlike(one, "select id, region, v, big from " + one);
    }
  }

  /** What happens to a partition as a whole is not in the log, so that the sync stops. */
  @Test
  void rowsOfPartitionsThatComeAndGoArriveWithAFullSync() {
    tables.source(BY_REGION.formatted("come_go"));
    tables.target(PLAIN.formatted("come_go"));
    tables.source("insert into come_go select i, 'a', 'v' from generate_series(1, 100) i");
    tables.keep("come_go");

    tables.source(
        """
        create table come_go_new (id int, region text, v text, big text, primary key (id, region));
        insert into come_go_new values (1, 'new', 'before');
        alter table come_go attach partition come_go_new for values in ('new');
        insert into come_go values (2, 'new', 'after');
        update come_go set v = 'again' where id = 2 and region = 'new';
        alter table come_go_a detach partition come_go_a2;
        insert into come_go_a2 values ('', 'alone', 'a', 500);
        truncate come_go_a1;
        insert into come_go values (3, 'a', 'after');
        """);

    UUID configuration = tables.configuration("come_go");
    tables.fixture.awaitState(configuration, SyncState.FAILED);
    assertThat(tables.fixture.find(configuration).configuration().stateReason())
        .contains("partition", "mode full");
    tables.copy("come_go");
    tables.fixture.awaitState(configuration, SyncState.STREAMING);
    tables.assertInStep("come_go");
    tables.source("update come_go set v = 'flows'");
    tables.assertInStep("come_go");
  }

  @Test
  void aUniqueIndexTellsRowsApartWhereThereIsNoPrimaryKey() {
    String table =
        """
        create table %1$s (code text not null, n int not null, v text, big text);
        create unique index %1$s_code on %1$s (code, n);
        alter table %1$s alter big set storage external;
        """;
    String[] all = {"u_index", "u_full"};
    for (String one : all) {
      tables.both(table.formatted(one));
      tables.source(
          "insert into %s select 'c' || i, i, 'v', repeat(i::text, 3000) from generate_series(1, 20) i"
              .formatted(one));
    }
    tables.source("alter table u_index replica identity using index u_index_code");
    tables.source("alter table u_full replica identity full");
    tables.both("create table u_other (id int primary key, code text not null, v text, big text)");
    tables.both("create unique index u_other_code on u_other (id, code)");
    tables.both("alter table u_other alter big set storage external");
    tables.source(
        """
        alter table u_other replica identity using index u_other_code;
        insert into u_other select i, 'c' || i, 'v', repeat(i::text, 3000)
        from generate_series(1, 20) i
        """);
    tables.keep("u_index", "u_full", "u_other");

    for (String one : all) {
      tables.source(
          """
          update %1$s set v = 'w' where n < 5;
          update %1$s set code = 'moved' where n = 6;
          update %1$s set n = 100, v = 'x' where n = 7;
          delete from %1$s where n = 8;
          begin; update %1$s set code = 'tmp' where n = 9; update %1$s set n = 9 where n = 10;
          update %1$s set code = 'c10', n = 10 where code = 'tmp'; commit;
          """
              .formatted(one));
    }
    tables.source(
        """
        update u_other set code = 'moved' where id < 5;
        update u_other set id = 100 where id = 6;
        begin; update u_other set code = 'x', v = 'y' where id = 7;
        update u_other set code = 'z' where id = 7; update u_other set v = 'z' where id = 7; commit;
        delete from u_other where id = 8;
        """);

    tables.assertInStep("u_index", "u_full", "u_other");
  }

  @Test
  void computedColumnsAndNumbersOfTheServersOwn() {
    tables.both(
        """
        create table g_both (
          id int generated always as identity primary key,
          a int, twice int generated always as (a * 2) stored);
        create table g_default (id int generated by default as identity primary key, a int,
          n int generated always as identity);
        create table g_serial (id serial primary key, a int);
        """);
    tables.source("create table g_there (id int primary key, a int, b int)");
    tables.target(
        "create table g_there (id int primary key, a int, b int generated always as (a + 1) stored)");
    tables.source(
        "create table g_here (id int primary key, a int, b int generated always as (a + 1) stored)");
    tables.target("create table g_here (b text default 'own', a int, id int primary key)");
    String[] all = {"g_both", "g_default", "g_serial"};
    for (String one : all) {
      tables.source("insert into %s (a) select i from generate_series(1, 10) i".formatted(one));
    }
    tables.source("insert into g_here select i, i from generate_series(1, 10) i");
    tables.source("insert into g_there select i, i, i from generate_series(1, 10) i");
    tables.keep(all);
    tables.keep("g_there");
    tables.keepWith("g_here", ", \"columns\": [\"id\", \"a\"]");

    for (String one : all) {
      tables.source(
          """
          insert into %1$s (a) values (null), (5);
          update %1$s set a = a + 1 where id < 5;
          delete from %1$s where id = 6;
          """
              .formatted(one));
    }
    tables.source("update g_both set id = default where id = 1");
    tables.source("insert into g_both overriding system value values (1000, 1)");
    tables.source("update g_default set n = default where id = 7");
    tables.source("update g_here set a = 7 where id < 5; delete from g_here where id = 6");
    tables.source("insert into g_here values (20, 20)");
    tables.source("update g_there set a = 7 where id < 5; insert into g_there values (20, 1, 2)");

    tables.assertInStep(all);
    tables.assertAlike("g_here", "select id, a from g_here");
    tables.assertAlike("g_there", "select id, a from g_there");
    assertThat(
            TestStack.text(tables.fixture.target, "select string_agg(distinct b, '') from g_here"))
        .isEqualTo("own");
    assertThat(TestStack.text(tables.fixture.target, "select b from g_there where id = 20"))
        .isEqualTo("2");
  }

  @Test
  void virtualColumnsAreComputedOnBothSides() {
    assumeTrue(tables.serverMajor() >= 18);
    String table =
        """
        create table %s (
          id int primary key, a int, twice int generated always as (a * 2) virtual, b text)
        """;
    tables.both(table.formatted("virtual"));
    tables.source("create table virtual_here " + table.formatted("").substring(14));
    tables.target("create table virtual_here (id int primary key, a int, twice int, b text)");
    tables.source("create table virtual_there (id int primary key, a int, twice int, b text)");
    tables.target("create table virtual_there " + table.formatted("").substring(14));
    tables.source("insert into virtual select i, i from generate_series(1, 10) i");
    tables.keep("virtual", "virtual_there");
    tables.keepWith("virtual_here", ", \"columns\": [\"id\", \"a\", \"b\"]");

    for (String one : new String[] {"virtual", "virtual_here", "virtual_there"}) {
      tables.source(
          """
          insert into %1$s (id, a, b) values (20, 20, 'x');
          update %1$s set a = 30, b = 'y' where id = 20;
          insert into %1$s (id) values (21);
          delete from %1$s where id = 2
          """
              .formatted(one));
      tables.assertAlike(one, "select id, a, b from " + one);
    }
    assertThat(TestStack.text(tables.fixture.target, "select twice from virtual where id = 20"))
        .isEqualTo("60");
  }

  @Test
  void columnsAreMappedByNameAndTheTargetKeepsItsOwn() {
    tables.source("create table m_own (id int primary key, a text, b int, c text)");
    tables.target(
        """
        create table m_own (
          made timestamptz not null default now(), c text default 'filled', own text default 'own',
          b int not null default 7, a text default 'filled', id int primary key)
        """);
    tables.source("create table m_named (id int primary key, \"Old name\" text, b int, c text)");
    tables.target(
        "create table m_named (\"new.name\" text, c text default 'own', number int primary key)");
    tables.source("insert into m_own values (1, null, 1, null), (2, 'a', 2, 'c')");
    tables.source("insert into m_named values (1, null, 1, null), (2, 'a', 2, 'c')");
    tables.keep("m_own");
    tables.keepWith("m_named", ", \"columns\": {\"id\": \"number\", \"Old name\": \"new.name\"}");

    tables.source(
        """
        insert into m_own values (3, null, 3, null), (4, '', 4, default);
        update m_own set a = null, c = 'x' where id = 2;
        """);
    tables.source(
        """
        insert into m_named values (3, null, 3, null);
        update m_named set "Old name" = 'z' where id = 1;
        update m_named set id = 20, c = 'y' where id = 2;
        """);

    tables.assertAlike("m_own", "select id, a, b, c from m_own");
    assertThat(
            TestStack.text(tables.fixture.target, "select string_agg(distinct own, '') from m_own"))
        .isEqualTo("own");
    tables.arrive(tables.configuration("m_named"));
    assertThat(
            TestStack.text(
                tables.fixture.target,
                "select string_agg(concat_ws(' ', number, coalesce(\"new.name\", '-'), c), ','"
                    + " order by number) from m_named"))
        .isEqualTo("1 z own,3 - own,20 a own");
    tables.assertUndisturbed(tables.configuration("m_named"));
  }

  @Test
  void namesMayHoldAnything() {
    String longName = "n".repeat(60) + "é";
    String[] names = {
      "\"Odd \"\"s\"\".x\".\"Tab.le 'q' \uD83D\uDE00\"",
      "\"Odd \"\"s\"\".x\".\"select\"",
      "public.\"UPPER \u00e4?:x $1\"",
      "public." + '"' + longName + '"',
      "public." + '"' + longName.substring(1) + '"'
    };
    tables.both("create schema \"Odd \"\"s\"\".x\"");
    for (String name : names) {
      tables.both(
          """
          create table %1$s (
            "%2$s" int, "I'd?" text, "\uD83D\uDE00 \\n" text, "t" int, "d" int, "c0" int, "old" int,
            "excluded" int, "place" int, "UPPER" int, upper int, "a.b" int, " " text, "%2$s2" text,
            primary key ("%2$s", "I'd?"))
          """
              .formatted(name, longName.substring(1)));
      tables.source(
          "insert into %s select i, 'k', '', i, i, i, i, i, i, i, i, i, 'x', 'y' from generate_series(1, 5) i"
              .formatted(name));
    }
    tables.keep(names);

    for (String name : names) {
      tables.source(
          """
          update %1$s set t = 10, d = 10, c0 = 10, old = 10, excluded = 10, place = 10 where t = 1;
          update %1$s set "UPPER" = 10, upper = 11, "a.b" = 12, " " = '', "I'd?" = '' where t = 2;
          insert into %1$s select 100, '\uD83D\uDE00', null;
          delete from %1$s where t = 3;
          """
              .formatted(name));
    }

    tables.assertInStep(names);
    tables.target("delete from %s; delete from %s".formatted(names[0], names[3]));
    tables.copy(names[0]);
    tables.copy(names[3]);
    tables.assertInStep(names[0], names[3]);
  }

  /** PostgreSQL has room for 1600 columns. */
  @Test
  void aTableMayHaveAsManyColumnsAsThereCanBe() {
    String columns =
        IntStream.range(1, 1600).mapToObj(i -> "c" + i + " int2").collect(Collectors.joining(", "));
    tables.both("create table wide (id int primary key, " + columns + ")");
    tables.both("create table wide_full (id int primary key, " + columns + ")");
    tables.source("alter table wide_full replica identity full");
    for (String one : new String[] {"wide", "wide_full"}) {
      tables.source(
          "insert into %s (id, c1, c1599) select i, i, i from generate_series(1, 20) i"
              .formatted(one));
    }
    tables.keep("wide", "wide_full");

    for (String one : new String[] {"wide", "wide_full"}) {
      tables.source(
          """
          insert into %1$s (id, c7) values (21, 7);
          update %1$s set c800 = 8 where id < 5;
          update %1$s set id = 30 where id = 6;
          delete from %1$s where id = 7;
          """
              .formatted(one));
    }

    tables.assertInStep("wide", "wide_full");
    tables.target("update wide set c5 = 5");
    tables.copy("wide");
    tables.assertInStep("wide");
  }

  @Test
  void rowsMayBeNothingButTheirKey() {
    tables.both(
        """
        create table only_key (a int, b text, primary key (a, b));
        create table nulls (id int primary key, a text, b int[], c numeric, d bytea, e jsonb);
        """);
    tables.source("insert into only_key values (1, ''), (2, 'x'); insert into nulls values (1)");
    tables.keep("only_key", "nulls");

    tables.source(
        """
        insert into only_key values (3, 'y'), (4, '');
        update only_key set b = 'z' where a = 3;
        update only_key set a = a where a = 4;
        delete from only_key where a = 1;
        insert into only_key values (1, '') on conflict do nothing;
        insert into nulls values (2);
        insert into nulls values (3, '', '{}', 'nan', '', 'null'), (4, ' ', '{null}', 0, '\\x00', '""');
        update nulls set a = '', b = '{}', d = '' where id = 1;
        update nulls set a = null, b = null, c = null, d = null, e = null where id = 3;
        """);

    tables.assertInStep("only_key", "nulls");
  }
}
