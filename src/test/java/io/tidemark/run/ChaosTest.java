package io.tidemark.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.Await;
import io.tidemark.TestStack;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.sync.ConnectionDefinition;
import io.tidemark.sync.SyncConfiguration;
import io.tidemark.sync.SyncState;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Administrators of both databases do what they like while syncs run. Whenever they rest, each
 * configuration is equal to its source, or red with a reason; and the remedy of the reason helps.
 */
@Tag("engine")
@Tag("soak")
class ChaosTest {
  private static final int STEPS = Integer.getInteger("chaos.steps", 500);
  private static final int STEPS_BETWEEN_RESTS = 5;
  private static final List<String> TABLES = List.of("a", "b", "c", "d");
  private static final String COLUMNS = "(id int primary key, code int not null, v text)";

  private final long seed = Long.getLong("random.seed", System.nanoTime());
  private final SplittableRandom random = new SplittableRandom(seed);
  private final EngineFixture fixture = new EngineFixture();
  private final String role = "chaos_" + TestStack.name(fixture.source);
  private final Map<String, UUID> configurations = new LinkedHashMap<>();
  private final List<String> done = new ArrayList<>();
  private String password = "first";
  private int nextId = 1;

  @BeforeEach
  void stream() {
    System.out.println("seed " + seed);
    for (String table : TABLES) {
      for (PgDatabase database : List.of(fixture.source, fixture.target)) {
        TestStack.execute(database, "create table %s %s".formatted(table, COLUMNS));
      }
    }
    TestStack.execute(
        fixture.source, "create role %s superuser login password '%s'".formatted(role, password));
    fixture.start();
    for (PgDatabase database : List.of(fixture.source, fixture.target)) {
      EngineFixture.value(fixture.connections().create(connection(database)));
    }
    for (String table : TABLES) {
      configurations.put(
          table,
          fixture.create(
              table,
              ", \"source_connection\": \"my-source\", \"target_connection\": \"my-target\""));
    }
  }

  @AfterEach
  void close() {
    fixture.close();
    for (PgDatabase database : List.of(fixture.source, fixture.target)) {
      TestStack.execute(database, "drop owned by %s cascade".formatted(role));
    }
    TestStack.execute(fixture.source, "drop role " + role);
  }

  @Test
  void neverGreenAndDifferent() {
    for (int step = 1; step <= STEPS; step++) {
      String table = TABLES.get(random.nextInt(TABLES.size()));
      write();
      done.add(step(table));
      write();
      if (step % STEPS_BETWEEN_RESTS == 0) {
        rest();
        done.clear();
      }
    }
  }

  /** What an administrator does, as text for a failure's message. */
  private String step(String table) {
    PgDatabase side = random.nextBoolean() ? fixture.source : fixture.target;
    String publication = publication();
    return switch (random.nextInt(16)) {
      case 0 -> at(side, "alter table if exists %1$s rename to %1$s_away", table);
      case 1 -> at(side, "alter table if exists %1$s_away rename to %1$s", table);
      case 2 -> at(side, "drop table if exists %1$s; create table %1$s " + COLUMNS, table);
      case 3 -> atSource("alter publication " + publication + " drop table %1$s", table);
      case 4 -> atSource("alter publication " + publication + " add table %1$s", table);
      case 5 ->
          atSource("alter publication " + publication + " set (publish = 'insert, update')", table);
      case 6 ->
          atSource(
              "alter publication "
                  + publication
                  + " set (publish = 'insert, update, delete, truncate')",
              table);
      case 7 ->
          atSource(
              "alter publication "
                  + publication
                  + " drop table %1$s; alter publication "
                  + publication
                  + " add table %1$s where (id %% 2 = 0)",
              table);
      case 8 -> atSource("truncate %1$s", table);
      case 9 ->
          atSource(
              "alter table %1$s replica identity " + (random.nextBoolean() ? "full" : "default"),
              table);
      case 10 ->
          at(
              side,
              "begin; lock table %1$s in access exclusive mode; select pg_sleep(1.5); commit",
              table);
      case 11 ->
          at(
              side,
              "select pg_terminate_backend(pid) from pg_stat_activity where usename = '"
                  + role
                  + "'",
              table);
      case 12 -> rotatePassword();
      case 13 ->
          at(
              side,
              "alter role "
                  + role
                  + (random.nextBoolean()
                      ? " set statement_timeout = '30s'"
                      : " reset statement_timeout"),
              table);
      case 14 -> restart();
      default -> at(fixture.source, "vacuum full %1$s", table);
    };
  }

  private String atSource(String sql, String table) {
    return at(fixture.source, sql, table);
  }

  /** What cannot be done is not: the table may be away, or the publication. */
  private String at(PgDatabase side, String sql, String table) {
    String statement = sql.formatted(table);
    try {
      TestStack.execute(side, statement);
      return side.connection() + ": " + statement;
    } catch (IllegalStateException e) {
      return side.connection() + " refused: " + statement;
    }
  }

  private String rotatePassword() {
    password = "p" + random.nextInt(1_000_000);
    TestStack.execute(fixture.source, "alter role %s password '%s'".formatted(role, password));
    for (PgDatabase database : List.of(fixture.source, fixture.target)) {
      EngineFixture.value(fixture.connections().replace(connection(database)));
    }
    return "rotate the password";
  }

  private String restart() {
    fixture.start();
    return "restart";
  }

  private void write() {
    for (String table : TABLES) {
      int id = nextId++;
      at(
          fixture.source,
          "insert into %1$s values ("
              + id
              + ", 1, 'v'); update %1$s set v = 'w' where id %% 7 = "
              + id % 7
              + "; delete from %1$s where id = "
              + (id - 20 * TABLES.size()),
          table);
    }
  }

  /** Nobody does anything: what is broken is told, and then repaired as its reason says. */
  private void rest() {
    for (String table : TABLES) {
      awaitTruth(table);
      for (PgDatabase side : List.of(fixture.source, fixture.target)) {
        at(side, "alter table if exists %1$s_away rename to %1$s", table);
        at(side, "create table if not exists %1$s " + COLUMNS, table);
        at(side, "drop table if exists %1$s_away", table);
      }
      repair(table);
    }
  }

  /** Waits until a configuration is equal to its source, or red for a reason. */
  private void awaitTruth(String table) {
    Await.untilAsserted(
        () -> {
          SyncConfiguration now = fixture.find(configurations.get(table)).configuration();
          if (now.state() == SyncState.FAILED) {
            assertThat(now.stateReason()).describedAs("after %s", done).isNotBlank();
            assertThat(fixture.engine().problems())
                .describedAs("after %s", done)
                .anyMatch(problem -> problem.startsWith("configuration '" + table + "'"));
          } else {
            assertThat(now.state()).describedAs("after %s", done).isEqualTo(SyncState.STREAMING);
            assertThat(contentOf(fixture.target, table))
                .describedAs("green %s after %s", table, done)
                .isEqualTo(contentOf(fixture.source, table));
          }
        });
  }

  /** Executes what the reason asks for, until the configuration is green and equal. */
  private void repair(String table) {
    UUID id = configurations.get(table);
    Await.untilAsserted(
        () -> {
          SyncConfiguration now = fixture.find(id).configuration();
          Optional<ExecutionMode> asked = asked(now);
          asked.ifPresent(mode -> fixture.service().execute(id, mode, ExecutionTrigger.MANUAL));
          assertThat(now.state())
              .describedAs("%s: %s, after %s", table, now.stateReason(), done)
              .isEqualTo(SyncState.STREAMING);
          assertThat(contentOf(fixture.target, table))
              .describedAs("repaired %s after %s", table, done)
              .isEqualTo(contentOf(fixture.source, table));
        });
  }

  private static Optional<ExecutionMode> asked(SyncConfiguration now) {
    String reason = String.valueOf(now.stateReason());
    if (now.state() != SyncState.FAILED) {
      return Optional.empty();
    }
    if (reason.contains("mode merge")) {
      return Optional.of(ExecutionMode.MERGE);
    }
    return reason.contains("mode full") || reason.contains("full sync")
        ? Optional.of(ExecutionMode.FULL)
        : Optional.empty();
  }

  private static String contentOf(PgDatabase database, String table) {
    try {
      return EngineFixture.content(database, table);
    } catch (IllegalStateException e) {
      return "away";
    }
  }

  private String publication() {
    return TestStack.text(
        fixture.source, "select coalesce(max(pubname), 'none') from pg_publication");
  }

  private ConnectionDefinition connection(PgDatabase database) {
    return new ConnectionDefinition(
        "my-" + database.connection(), database.url().replaceAll("\\?.*", ""), role, password);
  }
}
