package io.tidemark.copy;

import io.tidemark.postgres.PgCopyOut;
import io.tidemark.postgres.PgSession;
import java.nio.charset.StandardCharsets;
import java.util.BitSet;
import java.util.List;

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

  /** Both sides at once: each server sums up its own rows, in a transaction that is under way. */
  static BucketDigests[] ofBoth(
      Sessions sessions, PgSession source, PgSession target, DigestPlan plan) {
    BucketDigests[] sides = new BucketDigests[2];
    new Workers(sessions)
        .runAll(
            List.of(
                () -> sides[0] = of(source, plan.sourceStatement(), plan),
                () -> sides[1] = of(target, plan.targetStatement(), plan)));
    return sides;
  }

  private static BucketDigests of(PgSession session, String statement, DigestPlan plan) {
    session.execute(Difference.PLAN_SETTINGS);
    return read(session, statement, plan.buckets());
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

  /** Buckets that are not the same on both sides. */
  BitSet differing(BucketDigests there) {
    BitSet differing = differingFrom(there);
    differing.or(there.differingFrom(this));
    return differing;
  }

  /** Of one bucket. */
  long rows(int bucket) {
    return rows[bucket];
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
