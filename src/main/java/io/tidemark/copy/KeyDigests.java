package io.tidemark.copy;

import io.tidemark.copy.Verification.Kind;
import io.tidemark.postgres.PgCopyOut;
import io.tidemark.postgres.PgSession;
import java.util.Arrays;
import java.util.BitSet;
import java.util.function.Consumer;

/**
 * The keys of one side's rows with the hashes of the rows, some hundred thousand of them in as many
 * times thirty bytes, to hold the other side's against.
 */
final class KeyDigests {
  private static final int LINES_MIN = 1024;
  private static final int BYTES_PER_LINE = 16;
  private static final int EMPTY = -1;

  private long[] keys = new long[LINES_MIN];
  private long[] rows = new long[LINES_MIN];
  private int[] texts = new int[LINES_MIN + 1];
  private byte[] pool = new byte[LINES_MIN * BYTES_PER_LINE];
  private int size;

  /** Places by hash, open addressing; a power of two, at most half full. */
  private int[] slots = new int[0];

  private final BitSet met = new BitSet();

  private KeyDigests() {}

  /** Reads the answer of one of {@link VerifyPlan}'s statements. */
  static KeyDigests read(PgSession session, String statement) {
    KeyDigests digests = new KeyDigests();
    PgCopyOut answer = session.copyOut(statement);
    for (byte[] line = answer.read(); line != null; line = answer.read()) {
      digests.add(line);
    }
    digests.index();
    return digests;
  }

  private void add(byte[] line) {
    if (size == keys.length) {
      keys = Arrays.copyOf(keys, size * 2);
      rows = Arrays.copyOf(rows, size * 2);
      texts = Arrays.copyOf(texts, size * 2 + 1);
    }
    KeyLine fields = new KeyLine(line);
    keys[size] = fields.number();
    rows[size] = fields.number();
    int from = texts[size];
    int length = line.length - fields.rest();
    if (from + length > pool.length) {
      pool = Arrays.copyOf(pool, Math.max(from + length, Math.addExact(pool.length, pool.length)));
    }
    System.arraycopy(line, fields.rest(), pool, from, length);
    size++;
    texts[size] = from + length;
  }

  private void index() {
    slots = new int[Integer.highestOneBit(Math.max(2, size)) * 4];
    Arrays.fill(slots, EMPTY);
    for (int i = 0; i < size; i++) {
      int slot = firstSlot(keys[i]);
      while (slots[slot] != EMPTY) {
        slot = slot + 1 & slots.length - 1;
      }
      slots[slot] = i;
    }
  }

  private int firstSlot(long key) {
    // A bucket's keys agree in their lowest bits.
    return (int) (key >>> 32) & slots.length - 1;
  }

  private int find(long key) {
    int slot = firstSlot(key);
    while (slots[slot] != EMPTY && keys[slots[slot]] != key) {
      slot = slot + 1 & slots.length - 1;
    }
    return slots[slot];
  }

  /** Hands over what the other side lacks, has besides, or has otherwise; once. */
  void compare(PgSession other, String statement, Consumer<Suspect> suspects) {
    PgCopyOut answer = other.copyOut(statement);
    for (byte[] line = answer.read(); line != null; line = answer.read()) {
      KeyLine fields = new KeyLine(line);
      long key = fields.number();
      long row = fields.number();
      int here = find(key);
      if (here == EMPTY) {
        suspects.accept(suspect(Kind.EXTRA, key, line, fields.rest(), line.length));
      } else {
        met.set(here);
        if (rows[here] != row) {
          suspects.accept(suspect(Kind.DIFFERENT, key, line, fields.rest(), line.length));
        }
      }
    }
    for (int i = met.nextClearBit(0); i < size; i = met.nextClearBit(i + 1)) {
      suspects.accept(suspect(Kind.MISSING, keys[i], pool, texts[i], texts[i + 1]));
    }
  }

  private static Suspect suspect(Kind kind, long hash, byte[] bytes, int from, int end) {
    return new Suspect(kind, hash, KeyLine.key(bytes, from, end));
  }
}
