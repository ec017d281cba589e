package io.tidemark.copy;

import io.tidemark.change.TableName;
import io.tidemark.postgres.PgCopyIn;
import io.tidemark.postgres.PgSession;
import io.tidemark.postgres.Sql;
import io.tidemark.sync.TableMapping;
import java.util.List;

/**
 * One COPY into a target table. Its writer waits while the server is busy: that is all the queue
 * there is, so that memory is one buffer per reader however slow the target.
 */
final class TargetStream implements RowSink {
  private final PgCopyIn copy;
  private final CopyFormat format;

  private TargetStream(PgCopyIn copy, CopyFormat format) {
    this.copy = copy;
    this.format = format;
    byte[] header = format.header();
    if (header.length > 0) {
      copy.write(header, 0, header.length);
    }
  }

  /** Starts a COPY into the table's mapped columns. */
  static TargetStream into(
      TableName table, TableMapping mapping, CopyFormat format, PgSession session) {
    List<String> columns = mapping.targetNames();
    String sql =
        """
        copy %s (%s)
        from stdin (format %s)
        """
            .formatted(Sql.name(table), Sql.names(columns), format.word());
    return new TargetStream(session.copyIn(sql), format);
  }

  @Override
  public void write(byte[] rows, int from, int length) {
    copy.write(rows, from, length);
  }

  /** Ends the stream; the answer is the number of rows that the table took. */
  long finish() {
    byte[] trailer = format.trailer();
    if (trailer.length > 0) {
      copy.write(trailer, 0, trailer.length);
    }
    return copy.finish();
  }
}
