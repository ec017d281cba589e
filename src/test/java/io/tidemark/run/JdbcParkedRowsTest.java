package io.tidemark.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.Await;
import io.tidemark.TestStack;
import io.tidemark.sync.SyncState;
import java.util.UUID;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What the target refused, through the whole way. */
@Tag("engine")
class JdbcParkedRowsTest {
  @Test
  void aLaterChangeOfARefusedRowIsNoConflict() {
    try (EngineFixture fixture = new EngineFixture()) {
      String table = "create table t (\"Id\" int, k text, v text, primary key (k, \"Id\"))";
      TestStack.execute(fixture.source, table);
      TestStack.execute(fixture.target, table + "; alter table t add check (v <> 'refused')");
      fixture.start();
      UUID t = fixture.create("t", ", \"conflict_resolution\": \"target_wins\"");
      fixture.awaitState(t, SyncState.STREAMING);
      TestStack.execute(
          fixture.source, "insert into t values (1, 'a', 'refused'), (2, 'b', 'taken')");
      Await.until(() -> fixture.find(t).rowsParked() == 1);

      TestStack.execute(fixture.source, "update t set v = 'mended' where \"Id\" = 1");

      fixture.awaitEqual("t");
      assertThat(fixture.conflicts(t)).isEmpty();
    }
  }
}
