package io.tidemark.sync;

import java.nio.ByteBuffer;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Base64;
import java.util.Optional;
import java.util.UUID;

/**
 * The last item of a page, from where the next one goes on: rows added or removed meanwhile neither
 * repeat nor hide others. Opaque to users.
 */
public record PageCursor(Instant at, UUID id) {
  private static final int BYTES = 24;

  public String text() {
    ByteBuffer bytes = ByteBuffer.allocate(BYTES);
    bytes.putLong(ChronoUnit.MICROS.between(Instant.EPOCH, at));
    bytes.putLong(id.getMostSignificantBits()).putLong(id.getLeastSignificantBits());
    return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes.array());
  }

  /** Reads {@link #text} back; empty if it is none. */
  public static Optional<PageCursor> parse(String text) {
    byte[] decoded;
    try {
      decoded = Base64.getUrlDecoder().decode(text);
    } catch (IllegalArgumentException notBase64) {
      return Optional.empty();
    }
    if (decoded.length != BYTES) {
      return Optional.empty();
    }
    ByteBuffer bytes = ByteBuffer.wrap(decoded);
    Instant at = Instant.EPOCH.plus(bytes.getLong(), ChronoUnit.MICROS);
    return isStorable(at)
        ? Optional.of(new PageCursor(at, new UUID(bytes.getLong(), bytes.getLong())))
        : Optional.empty();
  }

  private static boolean isStorable(Instant at) {
    return at.isAfter(Instant.parse("2000-01-01T00:00:00Z"))
        && at.isBefore(Instant.parse("9999-01-01T00:00:00Z"));
  }
}
