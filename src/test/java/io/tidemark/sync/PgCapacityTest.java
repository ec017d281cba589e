package io.tidemark.sync;

import static io.tidemark.sync.PreFlights.COPY;
import static io.tidemark.sync.PreFlights.STREAM;
import static io.tidemark.sync.PreFlights.error;
import static io.tidemark.sync.PreFlights.inspect;
import static io.tidemark.sync.PreFlights.warning;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.tidemark.Await;
import io.tidemark.TestStack;
import io.tidemark.postgres.PgDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a source's server as a whole has to have left is looked for before a sync runs. */
@Tag("oldest-postgres")
@Tag("database")
@Isolated("takes all that the server has, and changes its settings")
final class PgCapacityTest {
  private static final PgDatabase SOURCE = TestStack.database("source");
  private static final PgDatabase TARGET = TestStack.database("target");

  @BeforeAll
  static void tables() {
    for (PgDatabase database : List.of(SOURCE, TARGET)) {
      TestStack.execute(database, "create table users (id bigint primary key, name text)");
    }
  }

  @Test
  void needsASlotUnlessTheCaptureHasItsOwn() {
    TestStack.execute(
        SOURCE, "select pg_create_logical_replication_slot('preflight_source', 'pgoutput')");
    TestStack.execute(
        SOURCE,
        """
        select pg_create_physical_replication_slot('preflight_' || g)
        from generate_series(
          1,
          current_setting('max_replication_slots')::int
            - (select count(*)::int from pg_replication_slots)) g
        """);
    try {
      assertThat(inspect(SOURCE, TARGET, STREAM)).isEmpty();

      TestStack.execute(SOURCE, "select pg_drop_replication_slot('preflight_source')");
      TestStack.execute(SOURCE, "select pg_create_physical_replication_slot('preflight_0')");
      error(inspect(SOURCE, TARGET, STREAM), "no_free_slot");
      assertThat(inspect(SOURCE, TARGET, COPY)).isEmpty();
    } finally {
      dropSlots();
    }
    assertThat(inspect(SOURCE, TARGET, STREAM)).isEmpty();
  }

  private static void dropSlots() {
    TestStack.execute(
        SOURCE,
        """
        select pg_drop_replication_slot(slot_name)
        from pg_replication_slots
        where slot_name like 'preflight\\_%'
        """);
  }

  @Test
  void needsAWalsender() throws SQLException {
    List<Connection> senders = new ArrayList<>();
    int free =
        Integer.parseInt(
            TestStack.text(
                SOURCE,
                "select current_setting('max_wal_senders')::int"
                    + " - (select count(*) from pg_stat_replication)"));
    try {
      for (int i = 0; i < free; i++) {
        senders.add(SOURCE.openReplication("test"));
      }
      error(inspect(SOURCE, TARGET, STREAM), "no_free_walsender");

      TestStack.execute(
          SOURCE, "select pg_create_logical_replication_slot('preflight_source', 'pgoutput')");
      warning(inspect(SOURCE, TARGET, STREAM), "no_free_walsender");
    } finally {
      for (Connection sender : senders) {
        sender.close();
      }
      dropSlots();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "max_slot_wal_keep_size, 1GB, more than 1GB behind",
    "idle_replication_slot_timeout, 1d, away for 1d"
  })
  void saysWhenTheServerGivesUpASlot(String setting, String value, String message) {
    boolean known =
        !TestStack.text(SOURCE, "select current_setting('%s', true)".formatted(setting))
            .equals("null");
    assumeTrue(known);
    set("alter system set %s = '%s'".formatted(setting, value), setting, value);
    try {
      assertThat(warning(inspect(SOURCE, TARGET, STREAM), "slot_may_be_lost").message())
          .contains(message);
      assertThat(inspect(SOURCE, TARGET, COPY)).isEmpty();
    } finally {
      String before = setting.startsWith("idle") ? "0" : "-1";
      set("alter system reset " + setting, setting, before);
    }
  }

  private static void set(String sql, String setting, String value) {
    TestStack.execute(SOURCE, sql);
    TestStack.execute(SOURCE, "select pg_reload_conf()");
    Await.until(() -> TestStack.text(SOURCE, "show " + setting), value::equals);
  }
}
