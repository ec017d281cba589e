package io.tidemark.postgres;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.TestStack;
import io.tidemark.change.OperatingFailure;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A session that carries an origin, on a real server. */
@Tag("oldest-postgres")
@Tag("database")
class PgOriginsTest {
  private final PgDatabase database = TestStack.database("target");
  private final UUID configuration = UUID.randomUUID();
  private PgSession session;

  @BeforeEach
  void takeOrigin() {
    TestStack.execute(database, "create table item (id bigint primary key)");
    session = PgSession.open(database, OperatingFailure.Kind.TARGET, "test", "item");
    PgOrigins.take(session, configuration);
  }

  @AfterEach
  void drop() {
    session.close();
    try (PgSession other = PgSession.open(database, OperatingFailure.Kind.TARGET, "test", "item")) {
      PgOrigins.drop(other, configuration);
    }
  }

  @Test
  void marksWhatIsCommitted() {
    insert(1);
    TestStack.execute(database, "insert into item values (2)");

    assertThat(
            TestStack.text(
                database,
                """
                select string_agg((select roname from pg_replication_origin where roident =
                    (pg_xact_commit_timestamp_origin(i.xmin)).roident), ',' order by id)
                from item i
                """))
        .isEqualTo(PgOrigins.prefix(configuration) + "0");
  }

  @Test
  void givesEachCommitItsOwnTime() {
    session.execute("create table before ()");
    String between = TestStack.text(database, "select clock_timestamp()::text");
    insert(1);

    assertThat(
            TestStack.text(
                database,
                "select pg_xact_commit_timestamp(xmin) > '%s' from item".formatted(between)))
        .isEqualTo("t");
  }

  private void insert(int id) {
    session.begin(PgSession.Begin.READ_COMMITTED);
    session.execute("insert into item values (" + id + ")");
    session.commit();
  }
}
