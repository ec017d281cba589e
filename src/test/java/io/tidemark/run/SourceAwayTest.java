package io.tidemark.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.Await;
import io.tidemark.TestStack;
import io.tidemark.postgres.Lsn;
import io.tidemark.sync.SyncState;
import io.tidemark.sync.TrackedPartition;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("engine")
class SourceAwayTest {
  private static final String TABLE =
      """
      create type mood as enum ('good', 'bad');
      create table t (
        id bigint generated always as identity primary key,
        v varchar(20) not null,
        m mood,
        twice bigint generated always as (id * 2) stored)
      """;

  private final EngineFixture fixture = new EngineFixture();
  private UUID t;

  @BeforeEach
  void streaming() {
    TestStack.execute(fixture.source, TABLE);
    TestStack.execute(fixture.target, TABLE);
    TestStack.execute(fixture.source, "insert into t (v, m) values ('a', 'good')");
    fixture.start();
    t = fixture.create("t", "");
    fixture.awaitState(t, SyncState.STREAMING);
  }

  @AfterEach
  void stop() {
    fixture.close();
  }

  @Test
  void appliesWhatIsInTheTopicThoughTheProcessStartsWithoutTheSource() {
    fixture.service().pause(t);
    TestStack.execute(
        fixture.source,
        "insert into t (v, m) select 'n' || g, 'bad' from generate_series(1, 50) g;"
            + " update t set v = 'b' where id = 1");
    fixture.awaitCaptured();

    fixture.start(EngineFixture.DEAD, fixture.target);
    fixture.service().resume(t);

    fixture.awaitEqual("t");
    Await.untilAsserted(
        () ->
            assertThat(fixture.engine().problems())
                .anyMatch(problem -> problem.startsWith("capture of connection 'source'")));
  }

  @Test
  void tellsHowFarTheTopicsHoldTheSource() {
    TestStack.execute(fixture.source, "insert into t (v) values ('b')");
    long committed = Lsn.parse(TestStack.text(fixture.source, "select pg_current_wal_lsn()"));

    Await.untilAsserted(
        () -> {
          List<TrackedPartition> tracked = EngineFixture.value(fixture.service().tracking(t));
          assertThat(tracked).hasSize(1);
          assertThat(tracked.get(0).capturedLsn()).isNotNull().isGreaterThanOrEqualTo(committed);
          assertThat(tracked.get(0).appliedLsn())
              .isNotNull()
              .isLessThanOrEqualTo(tracked.get(0).capturedLsn());
        });
  }
}
