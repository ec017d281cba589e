package io.tidemark.copy;

/** Takes whole rows in COPY's form. */
interface RowSink {
  void write(byte[] rows, int from, int length);
}
