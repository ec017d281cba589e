package io.tidemark.postgres;

import io.tidemark.change.OperatingFailure.Kind;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;
import org.postgresql.copy.CopyOut;

/** A running {@code copy … to stdout}. */
public final class PgCopyOut {
  private final CopyOut copy;
  private final Kind side;
  private final String subject;

  PgCopyOut(CopyOut copy, Kind side, String subject) {
    this.copy = copy;
    this.side = side;
    this.subject = subject;
  }

  /** The server's next message, which is one row; null when all were read. */
  public byte @Nullable [] read() {
    try {
      return copy.readFromCopy();
    } catch (SQLException e) {
      throw PgFailures.of(e, side, subject);
    }
  }
}
