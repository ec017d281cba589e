package io.tidemark.capture;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.Await;
import io.tidemark.capture.CaptureFixture.Read;
import io.tidemark.change.TableName;
import io.tidemark.change.TableSchema;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Whatever is killed while a table changes, each change comes once and its schema is found. */
@Tag("engine")
class CaptureSchemaKillTest {
  private static final TableName T = new TableName("public", "t");

  private static final String KILL =
      "select pg_terminate_backend(active_pid) from pg_replication_slots"
          + " where active_pid is not null and slot_name = '%s'";

  @Test
  void walsendersKilledWhileTheTableChanges() throws Exception {
    killWalsenders(3);
  }

  @Test
  void processesKilledWhileTheTableChanges() throws Exception {
    killProcesses(1);
  }

  @Test
  @Tag("soak")
  void longRunOfKills() throws Exception {
    killWalsenders(40);
    killProcesses(15);
  }

  private static void killWalsenders(int kills) throws Exception {
    underDdl(
        kills,
        fixture -> {
          fixture.tracker().start(fixture.source);
          Await.until(() -> fixture.query(KILL.formatted(fixture.names().slot())).equals("t"));
        },
        fixture -> fixture.query(KILL.formatted(fixture.names().slot())));
  }

  private static void killProcesses(int kills) throws Exception {
    List<CaptureProcess> processes = new ArrayList<>();
    underDdl(
        kills,
        fixture -> processes.add(new CaptureProcess(fixture)),
        fixture -> {
          CaptureProcess former = processes.get(processes.size() - 1);
          Await.until(() -> former.phase().equals("RUNNING"));
          processes.add(new CaptureProcess(fixture));
          former.kill();
        });
    processes.forEach(CaptureProcess::close);
  }

  private interface Step {
    void run(CaptureFixture fixture) throws Exception;
  }

  /** Writes rows and changes their table between them, while the capture is killed. */
  private static void underDdl(int kills, Step start, Step kill) throws Exception {
    try (CaptureFixture fixture = new CaptureFixture()) {
      fixture.execute("create table t (id int primary key)");
      fixture.tracker().ensureTracked(fixture.source, T, () -> true);
      start.run(fixture);
      int versions = 0;
      Set<String> found;
      try (SchemaFollower follower = new SchemaFollower(fixture, T)) {
        for (int turn = 0; turn < kills; turn++) {
          for (int i = 0; i < 5; i++) {
            change(fixture, versions++);
          }
          kill.run(fixture);
          change(fixture, versions++);
        }
        ChangeTracker last = fixture.tracker();
        last.start(fixture.source);
        fixture.settle(last);
        found = follower.finish();
      }

      List<Read> read = fixture.read(T);
      CaptureTest.assertPositionsRise(read);
      assertThat(CaptureSchemaTest.keys(read))
          .isEqualTo(IntStream.range(0, 3 * versions).boxed().toList());
      assertThat(found).hasSize(versions + 1);
      Map<String, TableSchema> schemas = fixture.schemas();
      for (Read one : read) {
        int key = Integer.parseInt(one.key().value(0));
        assertThat(schemas.get(CaptureSchemaTest.id(one)).columns()).hasSize(1 + (key + 2) / 3);
      }
    }
  }

  /** One row before a column is added, and two after it, the first in the same transaction. */
  private static void change(CaptureFixture fixture, int version) throws Exception {
    int key = 3 * version;
    fixture.execute(
        "begin; insert into t values (%d); alter table t add c%d int; insert into t values (%d);"
                .formatted(key, version, key + 1)
            + " commit",
        "insert into t values (%d)".formatted(key + 2));
  }
}
