package io.tidemark.copy;

import io.tidemark.postgres.PgCopyOut;
import io.tidemark.postgres.PgSession;
import java.nio.charset.StandardCharsets;
import java.util.BitSet;

/** What one side's rows come to, bucket by bucket: two numbers each, however large the table. */
final class BucketDigests {
  private final long[] rows;
  private final long[] sums;

  private BucketDigests(int buckets) {
    rows = new long[buckets];
    sums = new long[buckets];
  }

  /** Reads the answer of one of {@link DigestPlan}'s statements. */
  static BucketDigests read(PgSession session, String statement, int buckets) {
    BucketDigests digests = new BucketDigests(buckets);
    PgCopyOut answer = session.copyOut(statement);
    for (byte[] line = answer.read(); line != null; line = answer.read()) {
      String[] fields = text(line).split("\t", -1);
      int bucket = Integer.parseInt(fields[0]);
      digests.rows[bucket] = Long.parseLong(fields[1]);
      digests.sums[bucket] = Long.parseLong(fields[2]);
    }
    return digests;
  }

  /** Adds the buckets that a statement names. */
  static void addBuckets(PgSession session, String statement, BitSet buckets) {
    PgCopyOut answer = session.copyOut(statement);
    for (byte[] line = answer.read(); line != null; line = answer.read()) {
      buckets.set(Integer.parseInt(text(line)));
    }
  }

  private static String text(byte[] line) {
    return new String(line, StandardCharsets.US_ASCII).strip();
  }

  /** Buckets that have rows here and are not the same there. */
  BitSet differingFrom(BucketDigests there) {
    BitSet differing = new BitSet(rows.length);
    for (int i = 0; i < rows.length; i++) {
      boolean same = rows[i] == there.rows[i] && sums[i] == there.sums[i];
      differing.set(i, rows[i] > 0 && !same);
    }
    return differing;
  }

  /** Of all buckets together. */
  long rows() {
    long sum = 0;
    for (long one : rows) {
      sum += one;
    }
    return sum;
  }
}
