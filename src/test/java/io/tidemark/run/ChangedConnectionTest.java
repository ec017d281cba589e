package io.tidemark.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.Await;
import io.tidemark.TestStack;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.sync.ConnectionDefinition;
import io.tidemark.sync.SyncState;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What runs takes up a connection's new password or address without a restart. */
@Tag("engine")
class ChangedConnectionTest {
  private final EngineFixture fixture = new EngineFixture();
  private final String role = "rotated_" + TestStack.name(fixture.source);
  private UUID t;

  @BeforeEach
  void stream() {
    for (PgDatabase database : List.of(fixture.source, fixture.target)) {
      TestStack.execute(database, "create table t (id int primary key)");
    }
    TestStack.execute(fixture.source, "create role " + role + " superuser login password 'old'");
    fixture.start();
    for (PgDatabase database : List.of(fixture.source, fixture.target)) {
      EngineFixture.value(fixture.connections().create(connection(database, "old")));
    }
    t =
        fixture.create(
            "t", ", \"source_connection\": \"my-source\", \"target_connection\": \"my-target\"");
    TestStack.execute(fixture.source, "insert into t values (1)");
    fixture.awaitEqual("t");
    fixture.awaitState(t, SyncState.STREAMING);
  }

  @AfterEach
  void close() {
    EngineFixture.value(fixture.service().delete(t, null));
    fixture.close();
    drop(role);
  }

  private void drop(String user) {
    for (PgDatabase database : List.of(fixture.source, fixture.target)) {
      TestStack.execute(database, "drop owned by %s cascade".formatted(user));
    }
    TestStack.execute(fixture.source, "drop role " + user);
  }

  @Test
  void aPasswordThatWasRotated() {
    TestStack.execute(fixture.source, "alter role " + role + " password 'new'");
    endSessions();
    fixture.awaitState(t, SyncState.FAILED);
    Await.until(() -> fixture.engine().problems().size() >= 2);

    for (PgDatabase database : List.of(fixture.source, fixture.target)) {
      EngineFixture.value(fixture.connections().replace(connection(database, "new")));
    }
    TestStack.execute(fixture.source, "insert into t values (2)");

    fixture.awaitEqual("t");
    fixture.awaitState(t, SyncState.STREAMING);
    Await.untilAsserted(() -> assertThat(fixture.engine().problems()).isEmpty());
  }

  /** Its stream is green all the time: the old sessions live, and are given up all the same. */
  @Test
  void anotherUser() {
    String other = "other_" + TestStack.name(fixture.source);
    TestStack.execute(fixture.source, "create role " + other + " superuser login password 'other'");
    try {
      for (PgDatabase database : List.of(fixture.source, fixture.target)) {
        EngineFixture.value(
            fixture
                .connections()
                .replace(
                    new ConnectionDefinition(
                        "my-" + database.connection(), place(database), other, "other")));
      }

      Await.until(() -> sessionsOf(role).equals("0") && !sessionsOf(other).equals("0"));
      TestStack.execute(fixture.source, "insert into t values (3)");
      fixture.awaitEqual("t");
      fixture.awaitState(t, SyncState.STREAMING);
    } finally {
      for (PgDatabase database : List.of(fixture.source, fixture.target)) {
        EngineFixture.value(fixture.connections().replace(connection(database, "old")));
      }
      Await.until(() -> sessionsOf(other).equals("0"));
      drop(other);
    }
  }

  private ConnectionDefinition connection(PgDatabase database, String password) {
    return new ConnectionDefinition("my-" + database.connection(), place(database), role, password);
  }

  private static String place(PgDatabase database) {
    return database.url().replaceAll("\\?.*", "");
  }

  private String sessionsOf(String user) {
    return TestStack.text(
        fixture.source,
        "select count(*) from pg_stat_activity where usename = '%s'".formatted(user));
  }

  private void endSessions() {
    TestStack.text(
        fixture.source,
        "select count(pg_terminate_backend(pid)) from pg_stat_activity where usename = '%s'"
            .formatted(role));
  }
}
