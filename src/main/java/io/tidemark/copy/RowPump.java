package io.tidemark.copy;

import io.tidemark.copy.CopyFormat.Place;
import io.tidemark.postgres.PgCopyOut;
import java.util.function.LongConsumer;

/** Carries rows from one source COPY after another to a sink, a buffer at a time. */
final class RowPump {
  private final CopyFormat format;
  private final RowSink sink;
  private final CopyProgress progress;
  private final LongConsumer pace;
  private final byte[] buffer;
  private int filled;
  private long rows;

  /**
   * @param pace is told how many rows have been carried, and may wait
   */
  RowPump(
      CopyFormat format, RowSink sink, CopyProgress progress, int bufferBytes, LongConsumer pace) {
    this.format = format;
    this.sink = sink;
    this.progress = progress;
    this.pace = pace;
    this.buffer = new byte[bufferBytes];
  }

  /** Carries one COPY to its end. What it read is in the sink when it returns. */
  void pump(PgCopyOut source) {
    Place place = Place.FIRST;
    for (byte[] message = source.read(); message != null; message = source.read()) {
      int start = format.rowStart(message, place);
      place = Place.LATER;
      if (start < message.length) {
        add(message, start, message.length - start);
      }
    }
    flush();
  }

  /** The server sends one row per message: many small writes become few large ones. */
  private void add(byte[] message, int from, int length) {
    if (length > buffer.length - filled) {
      flush();
    }
    rows++;
    if (length > buffer.length) {
      sink.write(message, from, length);
      report(length);
      return;
    }
    System.arraycopy(message, from, buffer, filled, length);
    filled += length;
  }

  private void flush() {
    if (filled > 0) {
      sink.write(buffer, 0, filled);
      report(filled);
      filled = 0;
    }
  }

  private void report(int bytes) {
    progress.read(rows, bytes);
    pace.accept(rows);
    rows = 0;
  }
}
