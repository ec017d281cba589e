package io.tidemark.capture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tidemark.Await;
import io.tidemark.Background;
import io.tidemark.change.Change;
import io.tidemark.change.ChangeSource;
import io.tidemark.change.OperatingFailure;
import io.tidemark.change.Row;
import io.tidemark.change.RowShape;
import io.tidemark.change.SourcePosition;
import io.tidemark.change.TableName;
import io.tidemark.change.TableSchema;
import io.tidemark.change.TableSchema.Column;
import io.tidemark.change.TopicName;
import io.tidemark.change.ValueKind;
import io.tidemark.embedded.EmbeddedStack.Part;
import io.tidemark.embedded.ForkedStack;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Tag("database")
class KafkaChangeWriterTest {
  private static final CaptureSettings SETTINGS = CaptureFixture.settings("writer", 1);
  private static final CaptureNames NAMES = CaptureNames.of(SETTINGS, "main");
  private static final TableName T = new TableName("public", "t");
  private static final Row ROW = Row.of(RowShape.of(List.of("id"), List.of(ValueKind.NUMBER)), "1");

  @Test
  void leavesNoProducerBehindWhenTheBrokerGoesAwayBeforeACommit() throws Exception {
    try (ForkedStack broker = ForkedStack.start(directory(), Part.KAFKA)) {
      Map<String, Object> clients = Map.of("bootstrap.servers", broker.bootstrapServers());
      try (KafkaTopics topics = new KafkaTopics(SETTINGS, clients)) {
        topics.ensurePosition(NAMES.connection());
        KafkaChangeWriter writer =
            new KafkaChangeWriter(
                SETTINGS, clients, NAMES, topics, new CaptureProgress(), Clock.systemUTC());
        writer.record(WrittenPosition.first(new SlotGeneration("1", 1, NAMES.slot()), 6, 0));
        writer.accept(new Captured.Mark(new SourcePosition(7, 1, 0), 0));
        writer.commit();
        writer.accept(new Captured.Mark(new SourcePosition(8, 1, 0), 0));
        broker.kill();
        assertThatThrownBy(writer::commit).isInstanceOf(KafkaException.class);
        assertThat(producers()).isEqualTo(2);

        writer.close();

        Await.until(() -> producers() == 0);
      }
    }
  }

  /** Kafka's own refusal would name neither the table nor a way out. */
  @Test
  void saysWhichTableHasAChangeThatNoRecordHolds() throws Exception {
    try (CaptureFixture fixture = new CaptureFixture();
        KafkaTopics topics = topics(fixture);
        KafkaChangeWriter writer = writer(fixture, topics)) {
      writer.record(first(fixture));

      assertThatThrownBy(() -> writer.accept(tooLarge(new SourcePosition(7, 1, 0), null)))
          .isInstanceOfSatisfying(
              OperatingFailure.class,
              failure -> {
                assertThat(failure).hasMessageContaining(T.toString());
                assertThat(failure.hint().orElseThrow()).contains("reset");
              });
    }
  }

  /** However often it is tried: only what comes after it waits for somebody to help. */
  @Test
  void whatComesBeforeAChangeThatNoRecordHoldsIsThere() throws Exception {
    try (CaptureFixture fixture = new CaptureFixture();
        KafkaTopics topics = topics(fixture)) {
      try (KafkaChangeWriter writer = writer(fixture, topics)) {
        writer.record(first(fixture));
        writer.accept(insert(7, 1, schema(0)));
        writer.accept(insert(7, 2, schema(0)));
        assertThatThrownBy(() -> writer.accept(tooLarge(new SourcePosition(7, 3, 0), null)))
            .isInstanceOf(OperatingFailure.class);
      }

      assertThat(position(fixture).position()).isEqualTo(new SourcePosition(7, 2, 0));
      try (KafkaChangeWriter again = writer(fixture, topics)) {
        again.resume(position(fixture));
        again.accept(insert(7, 1, schema(0)));
        again.accept(insert(7, 2, schema(0)));
        assertThatThrownBy(() -> again.accept(tooLarge(new SourcePosition(7, 3, 0), null)))
            .isInstanceOf(OperatingFailure.class);
      }

      assertThat(fixture.read(T)).hasSize(2);
      assertThat(position(fixture).position()).isEqualTo(new SourcePosition(7, 2, 0));
    }
  }

  /** Of a key change: the row under its old key is gone, and is not deleted twice. */
  @Test
  void theHalfBeforeOneThatNoRecordHoldsIsThereOnce() throws Exception {
    try (CaptureFixture fixture = new CaptureFixture();
        KafkaTopics topics = topics(fixture)) {
      for (int attempt = 0; attempt < 2; attempt++) {
        try (KafkaChangeWriter writer = writer(fixture, topics)) {
          if (attempt == 0) {
            writer.record(first(fixture));
          } else {
            writer.resume(position(fixture));
          }
          ChangeSource source = source(new SourcePosition(7, 1, 0), schema(0));
          writer.accept(new Captured.Changed(new Change.Delete(source, ROW, ROW), ROW, schema(0)));
          assertThatThrownBy(() -> writer.accept(tooLarge(new SourcePosition(7, 1, 1), ROW)))
              .isInstanceOf(OperatingFailure.class);
        }
      }

      assertThat(fixture.read(T))
          .singleElement()
          .extracting("change")
          .isInstanceOf(Change.Delete.class);
      assertThat(position(fixture).position()).isEqualTo(new SourcePosition(7, 1, 0));
    }
  }

  @Test
  void aSchemaIsReadNoLaterThanTheFirstChangeThatNamesIt() throws Exception {
    try (CaptureFixture fixture = new CaptureFixture();
        KafkaTopics topics = topics(fixture);
        KafkaChangeWriter writer = writer(fixture, topics)) {
      writer.record(first(fixture));
      topics.ensureChanges(CaptureFixture.CONNECTION, T);
      try (SchemaFollower follower = new SchemaFollower(fixture, T)) {
        for (int i = 0; i < 30; i++) {
          // Now the schema comes first in a transaction, now amid a longer one.
          writer.accept(insert(7 + i, 1, schema(i)));
          writer.accept(insert(7 + i, 2, schema(i / 2)));
          if (i % 3 == 0) {
            writer.commit();
          }
        }
        writer.commit();

        assertThat(follower.finish()).hasSize(30);
      }
      assertThat(fixture.read(T)).hasSize(60);
    }
  }

  /** Only what came before is committed with it: with the position of just that. */
  @Test
  void aNewSchemaAmidATransactionKeepsThePositionTrue() throws Exception {
    try (CaptureFixture fixture = new CaptureFixture();
        KafkaTopics topics = topics(fixture)) {
      try (KafkaChangeWriter died = writer(fixture, topics)) {
        died.record(first(fixture));
        died.accept(insert(7, 1, schema(1)));
        died.accept(insert(7, 2, schema(1)));
        died.accept(insert(7, 3, schema(2)));

        assertThat(position(fixture).position()).isEqualTo(new SourcePosition(7, 2, 0));
        assertThat(ids(fixture)).containsExactly(schema(1).id(), schema(2).id());
        assertThat(fixture.read(T)).hasSize(2);
      }

      try (KafkaChangeWriter next = writer(fixture, topics)) {
        next.resume(position(fixture));
        next.accept(insert(7, 1, schema(1)));
        next.accept(insert(7, 2, schema(1)));
        next.commit();
        assertThat(ids(fixture)).hasSize(2);
        next.accept(insert(7, 3, schema(2)));
        next.accept(insert(7, 4, schema(1)));
        next.commit();
      }

      assertThat(fixture.read(T).stream().map(one -> one.change().position().ordinal()))
          .containsExactly(1L, 2L, 3L, 4L);
      assertThat(position(fixture).position()).isEqualTo(new SourcePosition(7, 4, 0));
      assertThat(ids(fixture))
          .containsExactly(schema(1).id(), schema(2).id(), schema(2).id(), schema(1).id());
    }
  }

  /** Whichever of its producers has the next turn. */
  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 3})
  void aWriterThatWasOvertakenWritesNoMore(int written) throws Exception {
    try (CaptureFixture fixture = new CaptureFixture();
        KafkaTopics topics = topics(fixture);
        KafkaChangeWriter overtaken = writer(fixture, topics)) {
      overtaken.record(first(fixture));
      for (int i = 0; i < written; i++) {
        overtaken.accept(insert(7 + i, 1, schema(1)));
        overtaken.commit();
      }
      overtaken.accept(insert(90, 1, schema(1)));

      try (KafkaChangeWriter next = writer(fixture, topics)) {
        next.resume(position(fixture));
        assertThatThrownBy(
                () -> {
                  overtaken.commit();
                  overtaken.accept(insert(91, 1, schema(1)));
                  overtaken.commit();
                })
            .isInstanceOfAny(KafkaException.class, IllegalStateException.class);
        next.accept(insert(92, 1, schema(1)));
        next.commit();
      }

      assertThat(fixture.read(T)).hasSize(written + 1);
      assertThat(position(fixture).position()).isEqualTo(new SourcePosition(92, 1, 0));
    }
  }

  /** The end of a capture meets one that is just beginning, which fences as it does itself. */
  @Test
  void recordsAPositionWhileOthersBegin() throws Exception {
    try (CaptureFixture fixture = new CaptureFixture();
        KafkaTopics topics = topics(fixture)) {
      AtomicInteger begun = new AtomicInteger();
      AtomicBoolean done = new AtomicBoolean();
      CompletableFuture<Void> beginning =
          CompletableFuture.runAsync(
              () -> {
                while (!done.get()) {
                  writer(fixture, topics).close();
                  begun.incrementAndGet();
                  // Somebody else's turn: a capture that fails waits longer each time.
                  LockSupport.parkNanos(Duration.ofMillis(150).toNanos());
                }
              },
              Background.THREADS);
      try {
        for (int i = 0; i < 15 || begun.get() < 15; i++) {
          WrittenPosition position = WrittenPosition.released(i);
          KafkaChangeWriter.recordOnce(() -> writer(fixture, topics), position);
          assertThat(position(fixture)).isEqualTo(position);
          assertThat(beginning).isNotDone();
        }
      } finally {
        done.set(true);
      }
      beginning.get();
    }
  }

  private static KafkaTopics topics(CaptureFixture fixture) {
    KafkaTopics topics = new KafkaTopics(fixture.settings, fixture.clients);
    topics.ensurePosition(CaptureFixture.CONNECTION);
    topics.ensureSchemas(CaptureFixture.CONNECTION);
    return topics;
  }

  private static KafkaChangeWriter writer(CaptureFixture fixture, KafkaTopics topics) {
    return new KafkaChangeWriter(
        fixture.settings,
        fixture.clients,
        fixture.names(),
        topics,
        new CaptureProgress(),
        Clock.systemUTC());
  }

  private static WrittenPosition first(CaptureFixture fixture) {
    return WrittenPosition.first(new SlotGeneration("1", 1, fixture.names().slot()), 6, 0);
  }

  private static TableSchema schema(int version) {
    Column column = new Column("id", "integer", "integer", 23, version, true);
    return TableSchema.of(T, List.of(column));
  }

  private static Captured insert(long commitLsn, long ordinal, TableSchema schema) {
    ChangeSource source = source(new SourcePosition(commitLsn, ordinal, 0), schema);
    return new Captured.Changed(new Change.Insert(source, ROW), ROW, schema);
  }

  private static Captured tooLarge(SourcePosition position, @Nullable Row oldKey) {
    Row row = Row.of(RowShape.ofText(List.of("id")), "x".repeat(KafkaTopics.RECORD_BYTES_MAX));
    ChangeSource source = source(position, schema(0));
    return new Captured.Changed(new Change.Insert(source, row, oldKey), null, schema(0));
  }

  private static ChangeSource source(SourcePosition position, TableSchema schema) {
    return new ChangeSource(
        CaptureFixture.CONNECTION, "db", T, position, 1, 1, 0, null, schema.id());
  }

  private static WrittenPosition position(CaptureFixture fixture) {
    try (KafkaPositionReader reader =
        new KafkaPositionReader(fixture.settings, fixture.clients, CaptureFixture.CONNECTION)) {
      return reader.last().orElseThrow();
    }
  }

  /** The keys of all records in the schemas' topic. */
  private static List<String> ids(CaptureFixture fixture) {
    String topic = TopicName.schemasOf(fixture.prefix, CaptureFixture.CONNECTION);
    return fixture.records(topic).stream()
        .map(record -> new String(record.key(), StandardCharsets.UTF_8))
        .toList();
  }

  @Test
  void blamesWhoFailed() {
    RuntimeException wrapped =
        new IllegalStateException(
            "the batch could not be written",
            new KafkaException("in an error state", new TimeoutException("late")));

    Optional<OperatingFailure> found = KafkaFailures.in(wrapped);

    assertThat(found).isPresent();
    assertThat(found.get().kind()).isEqualTo(OperatingFailure.Kind.BROKER);
    assertThat(found.get()).hasMessage("Kafka: late (TimeoutException)");
    assertThat(found.get().hint()).hasValueSatisfying(hint -> hint.contains("brokers are up"));
    assertThat(KafkaFailures.in(new IllegalStateException("something else"))).isEmpty();
  }

  private static Path directory() throws IOException {
    Path parent = Files.createDirectories(Path.of("target", "writer-data").toAbsolutePath());
    return Files.createTempDirectory(parent, "broker-");
  }

  private static long producers() {
    List<String> names =
        NAMES.transactionalIds().stream()
            .map(id -> "kafka-producer-network-thread | " + id + "-capture")
            .toList();
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> names.contains(thread.getName()))
        .count();
  }
}
