package io.tidemark.embedded;

import io.zonky.test.db.postgres.embedded.DefaultPostgresBinaryResolver;
import java.io.BufferedInputStream;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.tukaani.xz.XZInputStream;

/** PostgreSQL's programs, unpacked into the data directory once per release of the archive. */
final class PgBinaries {

  private static final int DIGEST_PREFIX_LENGTH = 12;
  private static final int OWNER_EXECUTE = 0100;

  private PgBinaries() {}

  /** The directory that holds {@code initdb}, {@code pg_ctl} and {@code postgres}. */
  static Path unpack(DataDirectory directory) throws IOException {
    byte[] archive = archive();
    String name = "postgres-binaries-" + digest(archive).substring(0, DIGEST_PREFIX_LENGTH);
    return directory.ensure(name, target -> extract(archive, target)).resolve("bin");
  }

  private static byte[] archive() throws IOException {
    String system = system();
    String machine = System.getProperty("os.arch", "");
    try (InputStream stream = DefaultPostgresBinaryResolver.INSTANCE.getPgBinary(system, machine)) {
      return stream.readAllBytes();
    } catch (IllegalStateException e) {
      // The resolver's way to say that the class path has no archive for this platform.
      throw new EmbeddedStackException(
          "No embedded PostgreSQL for %s on %s. Set tidemark.store.url and the connections' URLs"
                  .formatted(system, machine)
              + " to databases of your own.",
          e);
    }
  }

  private static String system() {
    String name = System.getProperty("os.name", "");
    return name.startsWith("Mac") ? "Darwin" : name;
  }

  private static String digest(byte[] archive) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(archive));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java runtime has SHA-256", e);
    }
  }

  private static void extract(byte[] archive, Path target) throws IOException {
    try (TarArchiveInputStream tar =
        new TarArchiveInputStream(
            new BufferedInputStream(new XZInputStream(new ByteArrayInputStream(archive))))) {
      for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
        extract(tar, entry, target);
      }
    }
  }

  private static void extract(TarArchiveInputStream tar, TarArchiveEntry entry, Path target)
      throws IOException {
    Path path = target.resolve(entry.getName()).normalize();
    if (!path.startsWith(target)) {
      throw new IOException("Archive entry outside its directory: " + entry.getName());
    }
    if (entry.isDirectory()) {
      Files.createDirectories(path);
      return;
    }
    Files.createDirectories(path.getParent());
    if (entry.isSymbolicLink()) {
      Files.createSymbolicLink(path, Path.of(entry.getLinkName()));
    } else if (entry.isLink()) {
      Files.createLink(path, target.resolve(entry.getLinkName()));
    } else {
      Files.copy(tar, path);
      boolean executable = (entry.getMode() & OWNER_EXECUTE) != 0;
      Files.setPosixFilePermissions(
          path, PosixFilePermissions.fromString(executable ? "rwxr-xr-x" : "rw-r--r--"));
    }
  }
}
