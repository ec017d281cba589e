package io.tidemark.embedded;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import org.jspecify.annotations.Nullable;

/**
 * The directory of the embedded stack, held by one process at a time.
 *
 * <p>The hold is a lock of the operating system, so it ends with the process however that ends; the
 * process id beside it only serves the message for the next one.
 */
final class DataDirectory implements AutoCloseable {

  /** Fills a new directory. */
  interface Fill {
    void fill(Path directory) throws IOException;
  }

  private static final System.Logger LOG = System.getLogger(DataDirectory.class.getName());

  private static final String LOCK_FILE = "tidemark.lock";
  private static final String PID_FILE = "tidemark.pid";
  private static final String UNFINISHED = ".unfinished-";

  private final Path root;
  private final FileChannel lockChannel;

  private DataDirectory(Path root, FileChannel lockChannel) {
    this.root = root;
    this.lockChannel = lockChannel;
  }

  static DataDirectory lock(Path root) {
    try {
      Files.createDirectories(root);
      // INVARIANT: the lock file is never deleted and opened only here. Deleting it would let two
      // processes lock two files of one name; closing a second channel would drop the lock.
      FileChannel channel =
          FileChannel.open(
              root.resolve(LOCK_FILE), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      FileLock lock = tryLock(channel);
      if (lock == null) {
        channel.close();
        throw new EmbeddedStackException(heldMessage(root));
      }
      Files.writeString(root.resolve(PID_FILE), ProcessHandle.current().pid() + "\n");
      return new DataDirectory(root, channel);
    } catch (IOException e) {
      throw new EmbeddedStackException(
          "Cannot use the data directory %s (%s). Set %s to a directory that can be written."
              .formatted(root, e, EmbeddedSettings.DATA_DIR_KEY),
          e);
    }
  }

  private static @Nullable FileLock tryLock(FileChannel channel) throws IOException {
    try {
      return channel.tryLock();
    } catch (OverlappingFileLockException e) {
      // Held by another stack of this same JVM: for the caller the same answer.
      return null;
    }
  }

  private static String heldMessage(Path root) throws IOException {
    Path pidFile = root.resolve(PID_FILE);
    String holder =
        Files.exists(pidFile) ? "process " + Files.readString(pidFile).strip() : "another process";
    return "The data directory %s is in use by %s.".formatted(root, holder)
        + " Stop that process, or set %s to another directory."
            .formatted(EmbeddedSettings.DATA_DIR_KEY);
  }

  Path root() {
    return root;
  }

  Path resolve(String name) {
    return root.resolve(name);
  }

  /**
   * The directory of that name, filled first if it does not exist. It appears under its name only
   * when it is complete and on disk, so a kill on the way leaves nothing that looks finished.
   */
  Path ensure(String name, Fill fill) throws IOException {
    Path complete = root.resolve(name);
    if (Files.exists(complete)) {
      return complete;
    }
    discardUnfinished(name);
    // INVARIANT: a name of its own. A program of a killed process may still be filling the former
    // one, and cleans up by path when that vanishes under it.
    Path unfinished = Files.createTempDirectory(root, name + UNFINISHED);
    fill.fill(unfinished);
    forceFiles(unfinished);
    Files.move(unfinished, complete, StandardCopyOption.ATOMIC_MOVE);
    force(root);
    return complete;
  }

  private void discardUnfinished(String name) throws IOException {
    try (DirectoryStream<Path> leftovers =
        Files.newDirectoryStream(root, name + UNFINISHED + "*")) {
      for (Path leftover : leftovers) {
        try {
          delete(leftover);
        } catch (IOException e) {
          LOG.log(
              System.Logger.Level.WARNING,
              "A leftover of an interrupted start stays until the next one: " + leftover,
              e);
        }
      }
    }
  }

  private static void forceFiles(Path directory) throws IOException {
    Files.walkFileTree(
        directory,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            if (attributes.isRegularFile()) {
              force(file);
            }
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path visited, @Nullable IOException failure)
              throws IOException {
            if (failure != null) {
              throw failure;
            }
            force(visited);
            return FileVisitResult.CONTINUE;
          }
        });
  }

  private static void force(Path path) throws IOException {
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  private static void delete(Path directory) throws IOException {
    Files.walkFileTree(
        directory,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.delete(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path visited, @Nullable IOException failure)
              throws IOException {
            if (failure != null) {
              throw failure;
            }
            Files.delete(visited);
            return FileVisitResult.CONTINUE;
          }
        });
  }

  @Override
  public void close() throws IOException {
    if (!lockChannel.isOpen()) {
      return;
    }
    Files.deleteIfExists(root.resolve(PID_FILE));
    lockChannel.close();
  }
}
