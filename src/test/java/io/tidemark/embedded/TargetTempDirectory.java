package io.tidemark.embedded;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.extension.AnnotatedElementContext;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.io.TempDirFactory;

/**
 * Data directories of tests: on the build's own disk, and with a space in every path. They share
 * one copy of PostgreSQL's programs, because unpacking takes longer than most tests.
 */
final class TargetTempDirectory implements TempDirFactory {

  @Override
  public Path createTempDirectory(AnnotatedElementContext element, ExtensionContext context)
      throws IOException {
    Path parent = Files.createDirectories(Path.of("target", "embedded data").toAbsolutePath());
    Path created = Files.createTempDirectory(parent, "stack-");
    try (DataDirectory shared = lock(parent.resolve("programs"))) {
      Path programs = PgBinaries.unpack(shared).getParent();
      Files.createSymbolicLink(created.resolve(programs.getFileName()), programs);
    }
    return created;
  }

  /** Another process of the same tests may be unpacking them just now. */
  private static DataDirectory lock(Path programs) {
    return Awaitility.await()
        .atMost(Duration.ofMinutes(1))
        .ignoreException(EmbeddedStackException.class)
        .until(() -> DataDirectory.lock(programs), Objects::nonNull);
  }
}
