package io.tidemark.embedded;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.Await;
import io.tidemark.embedded.EmbeddedStack.Part;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Isolated;

@Tag("database")
@Isolated("the brokers of a JVM share what notices a fault")
class EmbeddedBrokerFaultTest {

  @Test
  void lostLogDirectoryBecomesAFailureAndDoesNotEndTheProcess(
      @TempDir(factory = TargetTempDirectory.class) Path directory) throws Exception {
    EmbeddedSettings settings = new EmbeddedSettings(directory, 0, 0);
    try (EmbeddedStack stack = EmbeddedStack.start(settings, EnumSet.of(Part.KAFKA))) {
      EmbeddedBroker broker = stack.kafka().orElseThrow();
      assertThat(broker.failure()).isEmpty();

      Files.move(directory.resolve("kafka"), directory.resolve("kafka-lost"));
      Files.writeString(directory.resolve("kafka"), "in the way");
      try (Admin admin = Admin.create(Map.of("bootstrap.servers", broker.bootstrapServers()))) {
        admin.createTopics(List.of(new NewTopic("unwritable", 1, (short) 1)));

        Await.untilAsserted(
            () ->
                assertThat(broker.failure())
                    .hasValueSatisfying(
                        reason -> assertThat(reason).contains("fatal fault", "Restart")));
      }
    }
  }
}
