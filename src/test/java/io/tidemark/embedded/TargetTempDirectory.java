package io.tidemark.embedded;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.extension.AnnotatedElementContext;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.io.TempDirFactory;

/** Data directories of tests: on the build's own disk, and with a space in every path. */
final class TargetTempDirectory implements TempDirFactory {

  @Override
  public Path createTempDirectory(AnnotatedElementContext element, ExtensionContext context)
      throws IOException {
    Path parent = Files.createDirectories(Path.of("target", "embedded data").toAbsolutePath());
    Path created = Files.createTempDirectory(parent, "stack-");
    SharedPrograms.linkInto(created);
    return created;
  }
}
