package io.tidemark.capture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tidemark.change.OperatingFailure;
import io.tidemark.change.SourcePosition;
import io.tidemark.embedded.EmbeddedStack.Part;
import io.tidemark.embedded.ForkedStack;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.TimeoutException;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** A writer whose broker goes away. */
class KafkaChangeWriterTest {
  private static final CaptureSettings SETTINGS = CaptureFixture.settings("writer", 1);
  private static final CaptureNames NAMES = CaptureNames.of(SETTINGS, "main");

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
        assertThat(producers()).isOne();

        writer.close();

        Awaitility.await().atMost(Duration.ofSeconds(5)).until(() -> producers() == 0);
      }
    }
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
    String name = "kafka-producer-network-thread | " + NAMES.transactionalId() + "-capture";
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().equals(name))
        .count();
  }
}
