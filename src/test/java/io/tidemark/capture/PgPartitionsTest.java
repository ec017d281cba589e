package io.tidemark.capture;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.TestSessions;
import io.tidemark.TestStack;
import io.tidemark.postgres.PgDatabase;
import java.sql.SQLException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Rows that a partition had before it was attached, and no others. */
@Tag("database")
@Tag("every-postgres")
class PgPartitionsTest {
  private final PgDatabase source = TestStack.database("source");

  @BeforeEach
  void table() {
    run("create table t (id int primary key) partition by range (id)");
  }

  @Test
  void createdAsOne() throws SQLException {
    run("create table p partition of t for values from (0) to (10); insert into t values (1)");
    run("insert into t values (2)");

    assertThat(hasEarlierRows()).isFalse();
  }

  @Test
  void attachedEmpty() throws SQLException {
    run("create table p (id int primary key)");
    attach();
    run("insert into t values (1)");

    assertThat(hasEarlierRows()).isFalse();
  }

  @Test
  void attachedWithRows() throws SQLException {
    run("create table p (id int primary key)");
    run("insert into p values (1)");
    attach();

    assertThat(hasEarlierRows()).isTrue();
  }

  @Test
  void filledAndAttachedInOneTransaction() throws SQLException {
    run(
        "create table p (id int primary key); insert into p values (1);"
            + " alter table t attach partition p for values from (0) to (10)");

    assertThat(hasEarlierRows()).isTrue();
  }

  @Test
  void attachedAndFilledInOneTransaction() throws SQLException {
    run(
        "create table p (id int primary key);"
            + " alter table t attach partition p for values from (0) to (10);"
            + " insert into t values (1)");

    assertThat(hasEarlierRows()).isFalse();
  }

  @Test
  void attachedAgainWithRows() throws SQLException {
    run("create table p partition of t for values from (0) to (10); insert into t values (1)");
    run("alter table t detach partition p");
    attach();

    assertThat(hasEarlierRows()).isTrue();
  }

  @Test
  void whatOurRoleMayNotReadIsJudgedByHowItCame() throws SQLException {
    run("create table p (id int primary key)");
    attach();
    run("drop role if exists reader_of_partitions; create role reader_of_partitions");
    run("grant select on t to reader_of_partitions");

    assertThat(hasEarlierRows("set role reader_of_partitions", true)).isTrue();
    assertThat(hasEarlierRows("set role reader_of_partitions", false)).isFalse();
  }

  private void attach() {
    run("alter table t attach partition p for values from (0) to (10)");
  }

  private boolean hasEarlierRows() throws SQLException {
    return hasEarlierRows("reset role", false);
  }

  private boolean hasEarlierRows(String before, boolean wasOwn) throws SQLException {
    long oid = Long.parseLong(TestStack.text(source, "select 'p'::regclass::oid"));
    return TestSessions.with(
        source,
        statement -> {
          statement.execute(before);
          try {
            return PgPartitions.hasEarlierRows(statement.getConnection(), oid, wasOwn);
          } finally {
            statement.execute("reset role");
          }
        });
  }

  private void run(String sql) {
    TestStack.execute(source, sql);
  }
}
