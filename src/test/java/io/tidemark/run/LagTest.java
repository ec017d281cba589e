package io.tidemark.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.Await;
import io.tidemark.TestStack;
import io.tidemark.sync.SyncState;
import io.tidemark.sync.TrackedPartition;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** How far a stream is behind, while it cannot go on. */
@Tag("engine")
class LagTest {
  private final EngineFixture fixture = new EngineFixture();
  private UUID t;

  @BeforeEach
  void streaming() {
    String table = "create table t (id int primary key, n int)";
    TestStack.execute(fixture.source, table + "; insert into t values (1, 1)");
    TestStack.execute(fixture.target, table);
    fixture.start();
    t = fixture.create("t", "");
    fixture.awaitState(t, SyncState.STREAMING);
  }

  @AfterEach
  void stop() {
    fixture.close();
  }

  @Test
  void growsWhileTheFirstChangeAfterACopyWaitsForALock() throws SQLException {
    try (Connection holder = fixture.target.open("holder");
        Statement statement = holder.createStatement()) {
      holder.setAutoCommit(false);
      statement.execute("select from t where id = 1 for update");
      TestStack.execute(fixture.source, "update t set n = 2 where id = 1");

      Await.untilAsserted(
          () -> {
            assertThat(tracked().lagEvents()).isPositive();
            assertThat(tracked().lagSeconds()).isGreaterThan(3);
          });
      holder.rollback();
    }

    fixture.awaitEqual("t");
    Await.untilAsserted(
        () -> {
          assertThat(tracked().lagEvents()).isZero();
          assertThat(tracked().lagSeconds()).isZero();
        });
  }

  private TrackedPartition tracked() {
    return EngineFixture.value(fixture.service().tracking(t)).get(0);
  }
}
