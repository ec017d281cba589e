package io.tidemark.apply;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tidemark.TestStack;
import io.tidemark.change.Change;
import io.tidemark.change.ChangeSource;
import io.tidemark.change.OperatingFailure;
import io.tidemark.change.Row;
import io.tidemark.change.SourcePosition;
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
import java.sql.Statement;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("database")
class TargetWriterTest {
  private static final String TOPIC = "t";
  private static final int PARTITION = 0;
  private static final UUID TOPIC_ID = UUID.randomUUID();

  private final PgDatabase target = TestStack.database("target");

  /** Else a stream that fails each time would be called well each time before it fails. */
  @Test
  void hasWrittenOnceALargeBatchIsKnownToBeWritten() throws SQLException {
    try (TargetWriter writer = writer()) {
      write(writer);
      assertThat(writer.isWriting()).isTrue();
      assertThat(writer.hasWritten(PARTITION)).isFalse();

      writer.settle();

      assertThat(writer.isWriting()).isFalse();
      assertThat(writer.hasWritten(PARTITION)).isTrue();
    }
    assertThat(TestStack.text(target, "select count(*) from item")).isEqualTo("200");
  }

  @Test
  void hasNotWrittenABatchThatTheTargetRefuses() throws SQLException {
    try (TargetWriter writer = writer()) {
      refuseRow(0);
      write(writer);

      assertThatThrownBy(writer::settle).isInstanceOf(OperatingFailure.class);
      assertThat(writer.hasWritten(PARTITION)).isFalse();
    }
  }

  /** Its columns may be the same: the rows that were synced before are not in it. */
  @Test
  void writesNothingToAnotherTableOfTheName() throws SQLException {
    try (TargetWriter writer = writer()) {
      TestStack.execute(target, "create table other (like item including all)");
      TestStack.execute(
          target, "alter table item rename to former; alter table other rename to item");
      write(writer);

      assertThat(writer.settle()).containsExactly(PARTITION);
      assertThat(writer.hasWritten(PARTITION)).isFalse();
      assertThatThrownBy(() -> writer.stand(PARTITION, TOPIC_ID))
          .isInstanceOf(OperatingFailure.class)
          .hasMessageContaining("was dropped and created again, or replaced");

      TestStack.execute(target, "drop table item");
      assertThatThrownBy(() -> writer.stand(PARTITION, TOPIC_ID))
          .isInstanceOf(OperatingFailure.class)
          .hasMessageContaining("was dropped or renamed");

      TestStack.execute(target, "alter table former rename to item");
      assertThat(writer.stand(PARTITION, TOPIC_ID)).isPresent();
      write(writer);
      assertThat(writer.settle()).isEmpty();
    }
    assertThat(TestStack.text(target, "select count(*) from item")).isEqualTo("200");
  }

  /** The second one begins by itself, the third one waits until the first is done. */
  @Test
  void writesBatchesThatLieReadyOneAfterTheOther() throws SQLException {
    try (TargetWriter writer = writer()) {
      for (int first = 0; first < 2000; first += 200) {
        write(writer, first);
      }
      assertThat(writer.settle()).isEmpty();
      assertThat(at(writer)).isEqualTo(2000);
    }
    assertThat(TestStack.text(target, "select count(*) from item")).isEqualTo("2000");
  }

  /** Else its changes would be written without those before them. */
  @Test
  void aBatchBehindOneThatWasOvertakenIsNotWritten() throws SQLException {
    try (TargetWriter writer = writer();
        Connection other = target.open("other");
        Statement statement = other.createStatement()) {
      write(writer, 0);
      assertThat(writer.settle()).isEmpty();
      other.setAutoCommit(false);
      statement.execute("update tidemark.applied_position set turn = turn + 1, next_offset = 500");
      write(writer, 200);
      write(writer, 400);
      other.commit();

      assertThat(writer.settle()).containsExactly(PARTITION);

      assertThat(writer.stand(PARTITION, TOPIC_ID)).isPresent();
      assertThat(at(writer)).isEqualTo(500);
      write(writer, 500);
      assertThat(writer.settle()).isEmpty();
    }
    assertThat(TestStack.text(target, "select count(*) from item")).isEqualTo("400");
  }

  /** Though the target would take it. */
  @Test
  void aBatchBehindOneThatTheTargetRefusesIsNotWritten() throws SQLException {
    try (TargetWriter writer = writer()) {
      refuseRow(0);
      write(writer, 0);
      write(writer, 200);

      assertThatThrownBy(writer::settle).isInstanceOf(OperatingFailure.class);

      assertThat(at(writer)).isZero();
    }
    assertThat(TestStack.text(target, "select count(*) from item")).isEqualTo("0");
  }

  @Test
  void thereIsNoRoomBehindABatchThatTheTargetRefuses() throws SQLException {
    try (TargetWriter writer = writer()) {
      refuseRow(0);
      write(writer, 0);
      write(writer, 200);

      assertThatThrownBy(() -> write(writer, 400)).isInstanceOf(OperatingFailure.class);

      assertThat(writer.isWriting()).isFalse();
    }
  }

  /** Not for what is in the row, so that it is not set aside. */
  private void refuseRow(int id) {
    TestStack.execute(
        target,
        """
        create function refuse() returns trigger language plpgsql as $$
        begin
          raise exception 'not now' using errcode = 'lock_not_available';
        end $$;
        create trigger refuse before insert on item for each row when (new.id = %d)
        execute function refuse();
        alter table item enable always trigger refuse
        """
            .formatted(id));
  }

  private static long at(TargetWriter writer) {
    return Objects.requireNonNull(writer.standing(PARTITION)).nextOffset();
  }

  private static void write(TargetWriter writer) {
    write(writer, 0);
  }

  private static void write(TargetWriter writer, int first) {
    List<TopicChange> changes =
        IntStream.range(first, first + 200)
            .mapToObj(
                i ->
                    new TopicChange(
                        new Change.Insert(
                            source(i),
                            Row.of(ApplyFixture.SHAPE, "" + i, "n", "c" + i, null, null)),
                        i))
            .toList();
    TargetWriter.Work batch = writer.prepare(changes, 10_000);
    assertThat(writer.makeRoomFor(batch)).isEmpty();
    assertThat(writer.write(PARTITION, batch)).isEmpty();
  }

  private static ChangeSource source(int ordinal) {
    return new ChangeSource(
        "source",
        "db",
        ApplyFixture.TABLE,
        new SourcePosition(100, ordinal, 0),
        7,
        99,
        1_000_000_000_000_000L,
        null,
        null);
  }

  private TargetWriter writer() throws SQLException {
    TestStack.execute(
        target,
        "create table item (id bigint primary key, name text, code text, at timestamptz, note"
            + " text)");
    ApplyTask task =
        new ApplyTask(
            UUID.randomUUID(), "source", target, TOPIC, "schemas", DeleteHandling.APPLY, 1000);
    ApplyPlan plan;
    try (Connection connection = target.open("test")) {
      JdbcPositions.ensureTable(connection);
      new JdbcPositions(task.configuration())
          .set(
              connection,
              new AppliedPosition(TOPIC, PARTITION, 0, SourcePosition.START, 0),
              ApplyFixture.BASIS);
      TableShape shape = PgCatalog.shapeOf(connection, ApplyFixture.TABLE).orElseThrow();
      List<TableMapping.Pair> columns =
          shape.columns().stream().map(column -> new TableMapping.Pair(column, column)).toList();
      plan =
          new ApplyPlan(
              new TableMapping(shape, shape, columns, columns.subList(0, 1), null),
              new ConflictPolicy(
                  ConflictResolution.SOURCE_WINS, ConflictDetection.EXISTENCE, null, false));
    }
    // Changes that name no schema: nothing asks Kafka.
    TargetWriter writer =
        new TargetWriter(
            task,
            JdbcTarget.open(
                task,
                plan,
                new ApplyPorts(ParkedRows.refusing(), ConflictLog.none(), keys -> Map.of())),
            new KafkaTableSchemas(task, Map.of()),
            new ApplyProgress(),
            Clock.systemUTC());
    assertThat(writer.stand(PARTITION, TOPIC_ID)).isPresent();
    return writer;
  }
}
