package io.tidemark.boot;

import io.tidemark.run.StreamView;
import java.io.PrintStream;
import java.util.List;

/** One line that tells how the syncs do: rewritten on a terminal, every few seconds elsewhere. */
final class StatusLine {
  /** Without a terminal a line a second would only fill a file. */
  private static final int SECONDS_PER_LINE = 5;

  private final PrintStream out;
  private final boolean terminal = System.console() != null;
  private long lastApplied = -1;
  private long lastNanos;
  private int calls;

  StatusLine(PrintStream out) {
    this.out = out;
  }

  /** To be called once a second. */
  void show(List<StreamView> streams, List<String> problems) {
    if (!terminal && calls++ % SECONDS_PER_LINE != 0) {
      return;
    }
    String line = line(streams, problems);
    if (terminal) {
      out.print("\r\u001b[2K" + line);
      out.flush();
    } else {
      out.println(line);
    }
  }

  private String line(List<StreamView> streams, List<String> problems) {
    long now = System.nanoTime();
    long applied = Demo.applied(streams);
    // A restarted stream counts from the start.
    long since = lastApplied < 0 ? 0 : Math.max(0, applied - lastApplied);
    double rate = lastApplied < 0 ? 0 : since * 1e9 / (now - lastNanos);
    lastApplied = applied;
    lastNanos = now;
    long lagEvents = streams.stream().mapToLong(StreamView::lagEvents).sum();
    double lagSeconds = streams.stream().mapToDouble(StreamView::lagSeconds).max().orElse(0);
    long parked = streams.stream().mapToLong(stream -> stream.progress().rows().parked()).sum();
    long conflicts =
        streams.stream().mapToLong(one -> one.progress().rows().conflictsDetected()).sum();
    String status =
        "%d streams  %.0f rows/s  %d applied  lag %d events, %.1f s  %d conflicts  %d parked"
            .formatted(streams.size(), rate, applied, lagEvents, lagSeconds, conflicts, parked);
    return problems.isEmpty() ? status : status + "  PROBLEM: " + problems.get(0);
  }
}
