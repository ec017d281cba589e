package io.tidemark.capture;

import io.tidemark.change.SourcePosition;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * The transaction whose changes are being sent, as its Begin message announces it.
 *
 * @param commitLsn where its commit record starts
 * @param committedMicros microseconds since 1970 UTC
 * @param id the transaction's id, unsigned 32-bit
 * @param origin the replication origin its changes carry, null for none
 */
record PgOutputTransaction(long commitLsn, long committedMicros, long id, @Nullable String origin) {
  /** Microseconds from 1970 to 2000, where PostgreSQL's time begins. */
  private static final long EPOCH_MICROS = 946_684_800_000_000L;

  /** Reads a Begin message's body. */
  static PgOutputTransaction begin(ByteBuffer body) {
    return new PgOutputTransaction(
        body.getLong(), body.getLong() + EPOCH_MICROS, Integer.toUnsignedLong(body.getInt()), null);
  }

  /** This transaction with the origin that an Origin message's body names. */
  PgOutputTransaction withOrigin(ByteBuffer body) {
    body.getLong();
    return new PgOutputTransaction(commitLsn, committedMicros, id, readString(body));
  }

  SourcePosition at(long ordinal, int part) {
    return new SourcePosition(commitLsn, ordinal, part);
  }

  /** Reads up to a NUL byte. */
  static String readString(ByteBuffer body) {
    int start = body.position();
    while (body.get() != 0) {
      // The NUL is the end; PostgreSQL never leaves it out.
    }
    int length = body.position() - 1 - start;
    byte[] bytes = new byte[length];
    body.get(start, bytes);
    return new String(bytes, StandardCharsets.UTF_8);
  }
}
