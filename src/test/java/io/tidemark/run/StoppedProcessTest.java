package io.tidemark.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.Await;
import io.tidemark.TestStack;
import io.tidemark.sync.SyncState;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Executions that their process stops, wherever they are, are interrupted: nothing failed. */
@Tag("engine")
class StoppedProcessTest {
  private final EngineFixture fixture = new EngineFixture();

  @AfterEach
  void stop() {
    fixture.close();
  }

  @Test
  void beforeItsFirstPhase() throws Exception {
    table("t");
    fixture.start();
    UUID t = fixture.create("t", "");
    fixture.awaitState(t, SyncState.STREAMING);
    UUID id;
    Thread stopper = new Thread(fixture::stop, "stopper");
    try (Connection holder = lock("tidemark.applied_position")) {
      id = execute(t, ExecutionMode.INCREMENTAL);
      Await.until(() -> fixture.execution(id).status(), ExecutionStatus.RUNNING::equals);
      stopper.start();
      Await.until(() -> isIn(stopper, ExecutionRunner.class), Boolean.TRUE::equals);
      holder.rollback();
    }
    stopper.join();

    fixture.start();
    assertThat(fixture.execution(id).status())
        .as("there was nothing left to apply")
        .isEqualTo(ExecutionStatus.COMPLETED);
  }

  @Test
  void beforeTheirTurn() throws Exception {
    List<String> tables = IntStream.range(0, 6).mapToObj(i -> "t" + i).toList();
    tables.forEach(this::table);
    fixture.start();
    List<UUID> configurations =
        tables.stream().map(name -> fixture.create(name, ", \"sync_strategy\": \"full\"")).toList();
    List<UUID> executions;
    try (Connection holder = lock(String.join(", ", tables))) {
      executions = configurations.stream().map(one -> execute(one, ExecutionMode.FULL)).toList();
      Await.until(() -> count(executions, ExecutionStatus.RUNNING), running -> running == 4);
      fixture.stop();
      holder.rollback();
    }
    fixture.start();

    assertThat(count(executions, ExecutionStatus.PENDING)).isEqualTo(2);
    assertThat(executions)
        .map(fixture::execution)
        .filteredOn(one -> one.status() == ExecutionStatus.FAILED)
        .hasSize(4)
        .allMatch(one -> one.failure().equals(Optional.of(ExecutionError.INTERRUPTED)));
  }

  private long count(List<UUID> executions, ExecutionStatus status) {
    return executions.stream().filter(id -> fixture.execution(id).status() == status).count();
  }

  private UUID execute(UUID configuration, ExecutionMode mode) {
    return EngineFixture.value(
            fixture.service().execute(configuration, mode, ExecutionTrigger.MANUAL))
        .id();
  }

  private static boolean isIn(Thread thread, Class<?> type) {
    return Arrays.stream(thread.getStackTrace())
        .anyMatch(frame -> frame.getClassName().equals(type.getName()));
  }

  private void table(String name) {
    String table = "create table " + name + " (id int primary key)";
    TestStack.execute(fixture.source, table + "; insert into " + name + " values (1)");
    TestStack.execute(fixture.target, table);
  }

  private Connection lock(String tables) throws SQLException {
    Connection holder = fixture.target.open("holder");
    holder.setAutoCommit(false);
    try (Statement statement = holder.createStatement()) {
      statement.execute("lock table " + tables);
    }
    return holder;
  }
}
