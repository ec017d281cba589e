package io.tidemark.capture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.debezium.engine.DebeziumEngine.Offsets;
import io.debezium.engine.DebeziumEngine.RecordCommitter;
import io.debezium.engine.RecordChangeEvent;
import io.tidemark.change.SourcePosition;
import io.tidemark.postgres.PgDatabase;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.source.SourceRecord;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("unit")
class DebeziumBatchesTest {
  private static final int BATCH = DebeziumBatches.BATCH_RECORDS;
  private static final Schema VALUE =
      SchemaBuilder.struct().field("source", DebeziumStamp.SCHEMA).build();
  private static final PgOutputTransaction TRANSACTION =
      new PgOutputTransaction(7, 1_000_000, 1, null);

  private final DebeziumSession session =
      new DebeziumSession(
          "batches",
          new PgDatabase("main", "jdbc:postgresql:nowhere", null, null),
          "none",
          1,
          (table, types) -> new PgOutputCatalog.Facts(List.of(), Map.of()));
  private final Topics topics = new Topics();
  private final Engine engine = new Engine();
  private long nanos;
  private final DebeziumBatches batches =
      new DebeziumBatches(session, "source", topics, () -> nanos);
  private long read;
  private long handed;

  @AfterEach
  void closeSession() {
    session.close();
  }

  @Test
  void commitsEachBatchWhileNoWholeOneWaitsBehindIt() throws Exception {
    read(10 + BATCH - 1);
    take(10);
    assertThat(topics.committed).containsExactly(10L);
    take(BATCH - 1);
    assertThat(topics.committed).containsExactly(10L, 9L + BATCH);
    assertThat(engine.marked).isEqualTo(topics.committed);
  }

  @Test
  void letsATransactionGoOnWhileWholeBatchesWait() throws Exception {
    read(3 * BATCH);
    take(BATCH);
    take(BATCH);
    assertThat(topics.accepted).isEqualTo(2L * BATCH);
    assertThat(topics.committed).isEmpty();
    assertThat(engine.marked).isEmpty();
    take(BATCH);
    assertThat(topics.committed).containsExactly(3L * BATCH);
    assertThat(engine.marked).isEqualTo(topics.committed);
    assertThat(engine.finished).isEqualTo(1);
  }

  /** A backlog may last for hours, and the slot must hear how far it is meanwhile. */
  @Test
  void endsATransactionAfterItsTimeThoughMoreWaits() throws Exception {
    read(9 * BATCH);
    take(BATCH);
    nanos += DebeziumBatches.TRANSACTION_MAX.minus(Duration.ofNanos(1)).toNanos();
    take(BATCH);
    assertThat(topics.committed).isEmpty();
    nanos++;
    take(BATCH);
    assertThat(topics.committed).containsExactly(3L * BATCH);
    take(BATCH);
    nanos += DebeziumBatches.TRANSACTION_MAX.toNanos();
    take(BATCH);
    assertThat(topics.committed).containsExactly(3L * BATCH, 5L * BATCH);
    assertThat(engine.marked).isEqualTo(topics.committed);
  }

  @Test
  void marksNothingThatCouldNotBeCommitted() {
    read(1);
    topics.isRefusing = true;
    assertThatThrownBy(() -> take(1)).hasMessage("refused");
    assertThat(engine.marked).isEmpty();
    assertThat(engine.finished).isZero();
  }

  private void read(int messages) {
    for (int i = 0; i < messages; i++) {
      try {
        session.admit(message(++read).size());
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    }
  }

  private void take(int records) throws InterruptedException {
    batches.take(
        Stream.generate(() -> event(++handed))
            .limit(records)
            .<RecordChangeEvent<SourceRecord>>map(record -> () -> record)
            .toList(),
        engine);
  }

  private static PgOutputMessage message(long ordinal) {
    return new PgOutputMessage(ByteBuffer.allocate(10), null, TRANSACTION, ordinal, 7);
  }

  private static SourceRecord event(long ordinal) {
    Struct value = new Struct(VALUE).put("source", new DebeziumStamp(message(ordinal)));
    return new SourceRecord(null, null, "t", VALUE, value);
  }

  private static long ordinal(SourcePosition position) {
    return position.ordinal();
  }

  private static final class Topics implements DebeziumBatches.Sink {
    private final List<Long> committed = new ArrayList<>();
    private long accepted;
    private boolean isRefusing;

    @Override
    public void accept(Captured captured) {
      accepted = ordinal(captured.position());
    }

    @Override
    public void commit() {
      if (isRefusing) {
        throw new IllegalStateException("refused");
      }
      committed.add(accepted);
    }
  }

  private static final class Engine implements RecordCommitter<RecordChangeEvent<SourceRecord>> {
    private final List<Long> marked = new ArrayList<>();
    private int finished;

    @Override
    public void markProcessed(RecordChangeEvent<SourceRecord> event) {
      marked.add(DebeziumBatches.messageOf(event.record()).ordinal());
    }

    @Override
    public void markBatchFinished() {
      finished++;
    }

    @Override
    public void markProcessed(RecordChangeEvent<SourceRecord> event, Offsets offsets) {
      throw new UnsupportedOperationException();
    }

    @Override
    public Offsets buildOffsets() {
      throw new UnsupportedOperationException();
    }
  }
}
