package io.tidemark.copy;

import io.tidemark.postgres.PgBinaryTypes;
import io.tidemark.postgres.PgSession;
import io.tidemark.sync.TableMapping;
import io.tidemark.sync.TableMapping.Pair;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** The two forms in which COPY carries rows, and how several streams of rows become one. */
enum CopyFormat {
  /** Faster by a third; both ends must have the very same types. */
  BINARY("binary") {
    @Override
    byte[] header() {
      return HEADER.clone();
    }

    @Override
    byte[] trailer() {
      return TRAILER.clone();
    }

    @Override
    int rowStart(byte[] message, Place place) {
      if (place == Place.LATER) {
        return Arrays.equals(message, TRAILER) ? message.length : 0;
      }
      int fixed = HEADER.length;
      if (message.length < fixed || !Arrays.equals(message, 0, 11, HEADER, 0, 11)) {
        throw new IllegalStateException("a binary COPY does not begin with its signature");
      }
      int extension = ByteBuffer.wrap(message).getInt(fixed - Integer.BYTES);
      int start = fixed + extension;
      boolean onlyTrailer =
          Arrays.equals(message, start, message.length, TRAILER, 0, TRAILER.length);
      return onlyTrailer ? message.length : start;
    }
  },
  /** PostgreSQL's text: the target's column reads whatever text its type takes. */
  TEXT("text") {
    @Override
    byte[] header() {
      return new byte[0];
    }

    @Override
    byte[] trailer() {
      return new byte[0];
    }

    @Override
    int rowStart(byte[] message, Place place) {
      return 0;
    }
  };

  /** Whether a message is the first of its stream. */
  enum Place {
    FIRST,
    LATER
  }

  private static final byte[] HEADER =
      "PGCOPY\n\u00ff\r\n\0\0\0\0\0\0\0\0\0".getBytes(StandardCharsets.ISO_8859_1);

  /** A count of -1 fields. */
  private static final byte[] TRAILER = {(byte) 0xFF, (byte) 0xFF};

  private final String word;

  CopyFormat(String word) {
    this.word = word;
  }

  /** As COPY's option names it. */
  String word() {
    return word;
  }

  /** What goes before the first row of a stream. */
  abstract byte[] header();

  /** What goes after the last row of a stream. */
  abstract byte[] trailer();

  /** Where the row begins in a message of the server; the message's length if it has none. */
  abstract int rowStart(byte[] message, Place place);

  /** Binary if every mapped column has a portable type that is the same on both sides. */
  static CopyFormat of(TableMapping mapping, PgSession source, PgSession target) {
    List<Pair> columns = mapping.columns();
    Map<Integer, String> sources =
        PgBinaryTypes.portable(source, columns.stream().map(c -> c.source().typeOid()).toList());
    Map<Integer, String> targets =
        PgBinaryTypes.portable(target, columns.stream().map(c -> c.target().typeOid()).toList());
    boolean same =
        columns.stream()
            .allMatch(
                c -> {
                  String name = sources.get(c.source().typeOid());
                  return name != null && name.equals(targets.get(c.target().typeOid()));
                });
    return same ? BINARY : TEXT;
  }
}
