package io.tidemark.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.Await;
import io.tidemark.SqlTypes;
import io.tidemark.SqlTypes.SqlType;
import io.tidemark.TestStack;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.sync.PageRequest;
import io.tidemark.sync.SyncState;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Tables of random shapes, random transactions over several of them, and in between restarts, full
 * syncs, merges and pauses: whatever happened, source and target are equal, no row was set aside
 * and nothing was taken for a conflict. {@code -Drandom.seed} repeats a run's shapes and
 * statements, {@code -Drandom.statements} sets its length.
 */
@Tag("engine")
class RandomChangesTest {
  private static final int TABLES = 6;
  private static final int STATEMENTS_IN_CI = 2_000;
  private static final int STATEMENTS_IN_SOAK = 1_000_000;
  private static final int CHECKS_MIN = 4;

  /** What arrives within the patience of a check. */
  private static final int STATEMENTS_PER_CHECK_MAX = 10_000;

  private final long seed = Long.getLong("random.seed", System.nanoTime());
  private final SplittableRandom random = new SplittableRandom(seed);
  private final Map<RandomTable, UUID> tables = new LinkedHashMap<>();
  private EngineFixture fixture;

  @BeforeEach
  void open() {
    System.out.println("seed " + seed);
    fixture = new EngineFixture();
    fixture.start();
    for (PgDatabase database : List.of(fixture.source, fixture.target)) {
      SqlTypes.EXTENSIONS.forEach(name -> TestStack.execute(database, "create extension " + name));
      TestStack.execute(database, "create table types (id int primary key)");
      TestStack.execute(database, SqlTypes.MAKE);
    }
    List<SqlType> types = SqlTypes.of(TestStack.serverMajor(fixture.source));
    for (int i = 0; i < TABLES; i++) {
      RandomTable table = new RandomTable("t" + i, types, random);
      TestStack.execute(fixture.source, table.atSource());
      TestStack.execute(fixture.target, table.atTarget());
      tables.put(table, null);
    }
  }

  @AfterEach
  void close() {
    fixture.close();
  }

  @Test
  void leaveBothSidesEqual() throws SQLException {
    run(Integer.getInteger("random.statements", STATEMENTS_IN_CI));
  }

  @Test
  @Tag("soak")
  @Tag("every-postgres")
  void aMillionLeaveBothSidesEqual() throws SQLException {
    run(Integer.getInteger("random.statements", STATEMENTS_IN_SOAK));
  }

  private void run(int statements) throws SQLException {
    write(statements / 20);
    tables.replaceAll((table, none) -> fixture.create(table.name, table.settings()));
    int checks = Math.max(CHECKS_MIN, statements / STATEMENTS_PER_CHECK_MAX);
    for (int check = 0; check < checks; check++) {
      write(statements / checks);
      disturb();
      write(statements / checks / 10);
      compare();
    }
  }

  /**
   * Transactions of some statements over all tables; those that a constraint refuses are undone.
   */
  private void write(int statements) throws SQLException {
    List<RandomTable> all = List.copyOf(tables.keySet());
    try (Connection connection = fixture.source.open("test");
        Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      int left = statements;
      while (left > 0) {
        int size = 1 + random.nextInt(random.nextInt(10) == 0 ? 200 : 8);
        for (int i = 0; i < size; i++) {
          Savepoint before = connection.setSavepoint();
          String sql = all.get(random.nextInt(all.size())).statement(random);
          try {
            statement.execute(sql);
            if (random.nextInt(20) == 0) {
              connection.rollback(before);
            }
          } catch (SQLException e) {
            if (!"23505".equals(e.getSQLState())) {
              throw new SQLException(sql, e);
            }
            connection.rollback(before);
          }
        }
        left -= size;
        if (random.nextInt(20) == 0) {
          connection.rollback();
        } else {
          connection.commit();
        }
      }
    }
  }

  /** Something that users or machines do while changes are on their way. */
  private void disturb() {
    List<UUID> all = List.copyOf(tables.values());
    UUID one = all.get(random.nextInt(all.size()));
    switch (random.nextInt(4)) {
      case 0 -> fixture.start();
      case 1 -> execute(one, ExecutionMode.FULL);
      case 2 -> execute(one, ExecutionMode.MERGE);
      default -> {
        EngineFixture.value(fixture.service().pause(one));
        fixture.awaitState(one, SyncState.PAUSED);
        EngineFixture.value(fixture.service().resume(one));
      }
    }
  }

  private UUID execute(UUID configuration, ExecutionMode mode) {
    // Another one of it may be running, its first copy for instance.
    return Await.untilSucceeds(
        IllegalStateException.class,
        () ->
            EngineFixture.value(
                    fixture.service().execute(configuration, mode, ExecutionTrigger.MANUAL))
                .id());
  }

  private void compare() {
    tables.forEach(
        (table, configuration) -> {
          fixture.awaitCompleted(execute(configuration, ExecutionMode.INCREMENTAL));
          // First, because they say why rows differ.
          assertThat(fixture.conflicts(configuration)).as("seed %d, %s", seed, table).isEmpty();
          assertThat(TestStack.text(fixture.target, table.content(true)))
              .as("seed %d, %s", seed, table)
              .isEqualTo(TestStack.text(fixture.source, table.content(false)));
          assertThat(
                  EngineFixture.value(
                          fixture.service().parkedRows(configuration, new PageRequest(10, null)))
                      .items())
              .as("seed %d, %s", seed, table)
              .isEmpty();
        });
  }
}
