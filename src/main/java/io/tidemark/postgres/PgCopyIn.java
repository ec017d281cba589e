package io.tidemark.postgres;

import io.tidemark.change.OperatingFailure.Kind;
import java.sql.SQLException;
import org.postgresql.copy.CopyIn;

/** A running {@code copy … from stdin}. */
public final class PgCopyIn {
  private final CopyIn copy;
  private final Kind side;
  private final String subject;

  PgCopyIn(CopyIn copy, Kind side, String subject) {
    this.copy = copy;
    this.side = side;
    this.subject = subject;
  }

  public void write(byte[] bytes, int from, int length) {
    try {
      copy.writeToCopy(bytes, from, length);
    } catch (SQLException e) {
      throw PgFailures.of(e, side, subject);
    }
  }

  /** Ends the copy and answers how many rows the server took. */
  public long finish() {
    try {
      return copy.endCopy();
    } catch (SQLException e) {
      throw PgFailures.of(e, side, subject);
    }
  }
}
