package io.tidemark.capture;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.Await;
import io.tidemark.Background;
import java.sql.Connection;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;

@Tag("database")
@Tag("oldest-postgres")
@Isolated("a slot is made once all transactions of the server that write have ended")
class PgSlotTest {
  @Test
  void evictsNobodyWhoIsMakingTheSlot() throws Exception {
    try (CaptureFixture fixture = new CaptureFixture();
        Connection writer = fixture.source.open("writer");
        Connection making = fixture.source.open("making");
        Connection evicting = fixture.source.open("evicting")) {
      fixture.execute("create table t (id int primary key)");
      writer.setAutoCommit(false);
      writer.createStatement().execute("insert into t values (1)");
      // Waits for the writer, and holds the slot meanwhile.
      CompletableFuture<Void> made =
          CompletableFuture.runAsync(
              () -> unchecked(() -> PgSlot.create(making, "half_made")), Background.THREADS);
      Await.until(() -> PgSlot.find(evicting, "half_made").map(PgSlot::active).orElse(false));

      CompletableFuture<Void> evicted =
          CompletableFuture.runAsync(
              () -> unchecked(() -> PgSlot.evict(evicting, "half_made")), Background.THREADS);
      fixture.awaitLooks("select pg_catalog.pg_terminate_backend(s.active_pid)");
      assertThat(evicted).isNotDone();
      writer.commit();

      Await.result(made);
      Await.result(evicted);
      PgSlot.drop(evicting, "half_made");
    }
  }

  private interface Work {
    void run() throws Exception;
  }

  private static void unchecked(Work work) {
    try {
      work.run();
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }
}
