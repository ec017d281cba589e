package io.tidemark.embedded;

import io.tidemark.embedded.EmbeddedStack.Part;
import java.io.IOException;
import java.nio.file.Path;
import java.util.EnumSet;

/**
 * A process with an embedded stack, for tests that kill it. Arguments: data directory, parts. Its
 * ports are free ones. Ends orderly when its input ends, so it never outlives the test.
 */
final class EmbeddedMain {

  static final String READY = "READY";
  static final String REFUSED = "REFUSED ";

  private EmbeddedMain() {}

  public static void main(String[] arguments) throws IOException {
    EnumSet<Part> parts = EnumSet.noneOf(Part.class);
    for (int index = 1; index < arguments.length; index++) {
      parts.add(Part.valueOf(arguments[index]));
    }
    EmbeddedSettings settings = new EmbeddedSettings(Path.of(arguments[0]), 0, 0);
    try (EmbeddedStack stack = EmbeddedStack.start(settings, parts)) {
      String postgres =
          stack.postgres().map(running -> running.jdbcUrl(EmbeddedDatabase.SOURCE)).orElse("-");
      String kafka = stack.kafka().map(EmbeddedBroker::bootstrapServers).orElse("-");
      System.out.println(String.join(" ", READY, postgres, kafka));
      while (System.in.read() >= 0) {
        // Only the end of the input matters.
      }
    } catch (EmbeddedStackException e) {
      System.out.println(REFUSED + e.getMessage());
    }
  }
}
