package io.tidemark.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * What processes have used, by the kernel's own counts: those of other users too, which Java does
 * not tell.
 */
final class Processes {
  private static final Path PROC = Path.of("/proc");

  /** The unit of the counts, the same on every Linux that Java runs on. */
  private static final double TICKS_PER_SECOND = 100;

  /** Where, among the words after the command's name, the times of a process begin. */
  private static final int OWN_TIMES = 11;

  private static final int ENDED_CHILDREN_TIMES = 13;

  private Processes() {}

  /** Processor time of one process, in seconds. */
  static double seconds(long pid) throws IOException {
    return ticks(pid, OWN_TIMES) / TICKS_PER_SECOND;
  }

  /** Processor time of a process and its children, those that have ended among them. */
  static double secondsOfFamily(long pid) throws IOException {
    long ticks = ticks(pid, OWN_TIMES) + ticks(pid, ENDED_CHILDREN_TIMES);
    for (long child : children(pid)) {
      ticks += ticks(child, OWN_TIMES);
    }
    return ticks / TICKS_PER_SECOND;
  }

  private static long[] children(long pid) {
    try (Stream<ProcessHandle> children = ProcessHandle.of(pid).orElseThrow().children()) {
      return children.mapToLong(ProcessHandle::pid).toArray();
    }
  }

  /** User and system time; none of a process that has just ended. */
  private static long ticks(long pid, int from) throws IOException {
    return ask(
        pid,
        "stat",
        0L,
        text -> {
          String[] words = text.substring(text.lastIndexOf(')') + 2).split(" ");
          return Long.parseLong(words[from]) + Long.parseLong(words[from + 1]);
        });
  }

  /** The most memory that a process has had since {@link #forgetPeak}, in megabytes. */
  static double peakMegabytes(long pid) throws IOException {
    return ask(
        pid,
        "status",
        0.0,
        text ->
            text.lines()
                .filter(line -> line.startsWith("VmHWM:"))
                .mapToDouble(line -> Double.parseDouble(line.split("\\s+")[1]) / 1024)
                .findFirst()
                .orElse(0));
  }

  static void forgetPeak(long pid) throws IOException {
    Files.writeString(PROC.resolve(pid + "/clear_refs"), "5");
  }

  private static <T> T ask(long pid, String file, T gone, Function<String, T> read)
      throws IOException {
    try {
      return read.apply(Files.readString(PROC.resolve(pid + "/" + file)));
    } catch (NoSuchFileException e) {
      return gone;
    }
  }
}
