package io.tidemark.embedded;

import io.tidemark.Await;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * One copy of PostgreSQL's programs for the data directories of all tests: to unpack them takes
 * longer than most tests.
 */
public final class SharedPrograms {
  private SharedPrograms() {}

  /** Links the programs into a data directory, which is created if there is none. */
  public static void linkInto(Path dataDir) throws IOException {
    Files.createDirectories(dataDir);
    Path parent = Path.of("target", "postgres programs").toAbsolutePath();
    try (DataDirectory shared = lock(parent)) {
      Path programs = PgBinaries.unpack(shared).getParent();
      Files.createSymbolicLink(dataDir.resolve(programs.getFileName()), programs);
    } catch (FileAlreadyExistsException e) {
      // The directory was used before.
      return;
    }
  }

  /** Another process of the same tests may be unpacking them. */
  private static DataDirectory lock(Path parent) {
    return Await.untilSucceeds(EmbeddedStackException.class, () -> DataDirectory.lock(parent));
  }
}
