package io.tidemark.apply;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.Await;
import io.tidemark.TestStack;
import io.tidemark.change.Backoff;
import io.tidemark.conflict.ConflictDetection;
import io.tidemark.conflict.ConflictLog;
import io.tidemark.conflict.ConflictPolicy;
import io.tidemark.conflict.ConflictResolution;
import io.tidemark.postgres.PgCatalog;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.postgres.TableShape;
import io.tidemark.sync.DeleteHandling;
import io.tidemark.sync.TableMapping;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("database")
class KafkaApplyLoopTest {
  /** Nobody listens there. */
  private static final Map<String, Object> DEAD_BROKER = Map.of("bootstrap.servers", "127.0.0.1:1");

  private final PgDatabase target = TestStack.database("target");

  /** A consumer that joins its group waits without a word for a broker that is gone. */
  @Test
  void saysThatTheBrokerIsAwayAlsoBeforeItWasGivenAPartition() throws SQLException {
    ApplyPlan plan = plan();
    assertTriesAgain(() -> plan, "broker_unreachable");
  }

  /** A thread that merely died would leave a stream that looks well. */
  @Test
  void saysThatARowDoesNotFitIntoMemory() {
    assertTriesAgain(
        () -> {
          throw new OutOfMemoryError("test");
        },
        "out_of_memory");
  }

  /** Who shows its condition need not ask again and again. */
  @Test
  void tellsEachTimeItDoesSomethingElse() {
    List<Class<?>> told = new CopyOnWriteArrayList<>();
    try (KafkaApplyLoop loop =
        loop(
            () -> {
              throw new OutOfMemoryError("test");
            })) {
      loop.start(() -> told.add(loop.state().getClass()));

      Await.until(() -> told.contains(ApplyState.Retrying.class));
    }

    assertThat(told).startsWith(ApplyState.Starting.class).endsWith(ApplyState.Stopped.class);
  }

  private void assertTriesAgain(KafkaApplyLoop.Plans plan, String code) {
    try (KafkaApplyLoop loop = loop(plan)) {
      loop.start();

      Await.untilAsserted(
          () ->
              assertThat(loop.state())
                  .isInstanceOfSatisfying(
                      ApplyState.Retrying.class,
                      state -> assertThat(state.code()).isEqualTo(code)));
    }
  }

  private KafkaApplyLoop loop(KafkaApplyLoop.Plans plan) {
    ApplyTask task =
        new ApplyTask(
            UUID.randomUUID(), "source", target, "t", "schemas", DeleteHandling.APPLY, 100);
    ApplySettings settings =
        new ApplySettings(
            Duration.ofMillis(100),
            Duration.ofMillis(200),
            new Backoff(Duration.ofMillis(50), Duration.ofMillis(100)),
            1 << 20,
            1);
    ApplyPorts ports = new ApplyPorts(ParkedRows.refusing(), ConflictLog.none(), keys -> Map.of());
    return KafkaApplyLoop.oneWay(task, plan, DEAD_BROKER, settings, ports, Clock.systemUTC());
  }

  private ApplyPlan plan() throws SQLException {
    TestStack.execute(target, "create table item (id bigint primary key, name text)");
    try (Connection connection = target.open("test")) {
      TableShape shape = PgCatalog.shapeOf(connection, ApplyFixture.TABLE).orElseThrow();
      List<TableMapping.Pair> columns =
          shape.columns().stream().map(column -> new TableMapping.Pair(column, column)).toList();
      return new ApplyPlan(
          new TableMapping(shape, shape, columns, columns.subList(0, 1), null),
          new ConflictPolicy(
              ConflictResolution.SOURCE_WINS, ConflictDetection.EXISTENCE, null, false));
    }
  }
}
