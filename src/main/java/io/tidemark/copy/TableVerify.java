package io.tidemark.copy;

import io.tidemark.change.OperatingFailure;
import io.tidemark.change.RowKey;
import io.tidemark.copy.MergeJoin.ChangedKeys;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.postgres.PgSession;
import io.tidemark.postgres.PgSession.Begin;
import io.tidemark.sync.TableMapping;
import java.time.Instant;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Compares a source table with a target table by content, while both change, and writes neither.
 *
 * <p>Three looks, each at less: digests of buckets of rows, computed where the rows are; of the
 * buckets that differ, a hash of each key and each row; of the rows that differ, those whose key
 * was under way between the two snapshots are settled one by one ({@link Settlement}). What is left
 * differs.
 *
 * <p>INVARIANT: a row is called different only if both sides are known to have been read at one
 * position. The target is read after it has all that the source's snapshot sees; a key that no
 * change beyond that has touched has been read at one position.
 */
public final class TableVerify {
  /** Keys and hashes of this many rows of either side are held at once: some tens of megabytes. */
  private static final long ROWS_PER_PASS = 500_000;

  private final PgDatabase source;
  private final PgDatabase target;
  private final CopySettings settings;

  public TableVerify(PgDatabase source, PgDatabase target, CopySettings settings) {
    this.source = source;
    this.target = target;
    this.settings = settings;
  }

  /**
   * Compares in the calling thread and threads of its own, all of which have ended when it returns.
   *
   * @return empty if it was cancelled
   * @throws OperatingFailure of kind SOURCE, TARGET, STORE, USER or CAPACITY
   */
  public Optional<Verification> run(
      VerifyRequest request, VerifyJoin join, CopyProgress progress, Cancellation cancellation) {
    return new CopyAttempt(source, target)
        .run(
            request.execution(),
            request.mapping(),
            cancellation,
            (sessions, stage) -> {
              Verification found =
                  new Run(request, join, progress, sessions, stage, settings).verify();
              if (!cancellation.close()) {
                throw new CopyCancelled();
              }
              return found;
            });
  }

  /** One comparison. */
  private static final class Run {
    private final VerifyRequest request;
    private final TableMapping mapping;
    private final VerifyJoin join;
    private final CopyProgress progress;
    private final Sessions sessions;
    private final StageTable stage;
    private final CopySettings settings;
    private final Findings findings;

    Run(
        VerifyRequest request,
        VerifyJoin join,
        CopyProgress progress,
        Sessions sessions,
        StageTable stage,
        CopySettings settings) {
      this.request = request;
      this.mapping = request.mapping();
      this.join = join;
      this.progress = progress;
      this.sessions = sessions;
      this.stage = stage;
      this.settings = settings;
      findings = new Findings(mapping.targetKeyNames());
    }

    Verification verify() {
      Look first = look();
      Instant upTo =
          Instant.ofEpochMilli(
              first
                  .scan
                  .leader()
                  .number("select (extract(epoch from pg_catalog.now()) * 1000)::int8"));
      DigestPlan digests = plan(first);
      progress.enter(CopyPhase.DIGEST);
      BucketDigests[] sides =
          BucketDigests.ofBoth(sessions, first.scan.leader(), first.target, digests);
      first.end();
      progress.read(sides[0].rows(), 0);
      progress.enter(CopyPhase.COMPARE);
      VerifyPlan plan = new VerifyPlan(mapping, digests);
      Settlement settlement = new Settlement(join, sessions, stage, mapping, settings, plan);
      for (BitSet buckets : passes(sides)) {
        pass(plan, buckets, settlement);
      }
      return findings.of(sides[0].rows(), sides[1].rows(), upTo);
    }

    private DigestPlan plan(Look look) {
      long rows = Math.max(mapping.source().estimatedRows(), mapping.target().estimatedRows());
      String probe = DigestPlan.probe();
      return DigestPlan.of(mapping, look.scan.estimatedRows())
          .filter(any -> look.scan.leader().text(probe).equals(look.target.text(probe)))
          .orElseThrow(
              () ->
                  new OperatingFailure(
                      OperatingFailure.Kind.USER,
                      "not_comparable",
                      "the rows of "
                          + mapping.source().name()
                          + " and "
                          + mapping.target().name()
                          + " cannot be compared by hashes: a column has another type at the"
                          + " target, into which the source cannot turn it, or the servers hash"
                          + " differently",
                      "give both columns one type",
                      null));
    }

    /** The differing buckets in parts of which the rows fit into memory. */
    private static List<BitSet> passes(BucketDigests... sides) {
      BitSet differing = sides[0].differing(sides[1]);
      List<BitSet> passes = new ArrayList<>();
      long rows = ROWS_PER_PASS;
      for (int i = differing.nextSetBit(0); i >= 0; i = differing.nextSetBit(i + 1)) {
        rows += Math.max(sides[0].rows(i), sides[1].rows(i));
        if (rows > ROWS_PER_PASS) {
          passes.add(new BitSet());
          rows = Math.max(sides[0].rows(i), sides[1].rows(i));
        }
        passes.get(passes.size() - 1).set(i);
      }
      return passes;
    }

    private void pass(VerifyPlan plan, BitSet buckets, Settlement settlement) {
      Set<RowKey> waiting = new HashSet<>(request.waiting().get());
      join.beforeSnapshot();
      SourceScan scan = new SourceScan(sessions, mapping, settings);
      KeyDigests keys = KeyDigests.read(scan.leader(), plan.sourceKeys(buckets));
      Look look = look(scan);
      Map<Long, Suspect> suspects = new LinkedHashMap<>();
      keys.compare(
          look.target, plan.targetKeys(buckets), suspect -> suspects.put(suspect.hash(), suspect));
      // A decision may have been taken since, or a conflict have been found.
      waiting.addAll(request.waiting().get());
      findings.undecided(remove(suspects, plan, look.target, List.copyOf(waiting)).size());
      List<Suspect> underWay = new ArrayList<>();
      if (!suspects.isEmpty()) {
        join.underWay(
            scan.snapshot(),
            new ChangedKeys() {
              @Override
              public void changed(List<RowKey> changed) {
                underWay.addAll(remove(suspects, plan, look.target, changed));
              }

              @Override
              public void truncated() {
                underWay.addAll(suspects.values());
                suspects.clear();
              }
            });
        record(plan, look, suspects.values());
      }
      look.end();
      for (int from = 0; from < underWay.size(); from += plan.keysMax()) {
        int to = Math.min(underWay.size(), from + plan.keysMax());
        settlement.settle(underWay.subList(from, to).stream().map(Suspect::key).toList(), findings);
      }
    }

    /** Takes the suspects of these keys out, and answers them. */
    private static List<Suspect> remove(
        Map<Long, Suspect> suspects, VerifyPlan plan, PgSession target, List<RowKey> keys) {
      List<Suspect> removed = new ArrayList<>();
      for (int from = 0; from < keys.size(); from += plan.keysMax()) {
        int to = Math.min(keys.size(), from + plan.keysMax());
        for (long hash : plan.hashes(target, keys.subList(from, to))) {
          Suspect suspect = suspects.remove(hash);
          if (suspect != null) {
            removed.add(suspect);
          }
        }
      }
      return removed;
    }

    /** Nothing has touched these between the two snapshots: they differ. */
    private void record(VerifyPlan plan, Look look, Collection<Suspect> differing) {
      differing.forEach(one -> findings.add(one.kind(), 1));
      List<RowKey> shown = new ArrayList<>();
      for (Suspect one : differing) {
        if (!findings.wantsSamples()) {
          break;
        }
        if (one.kind() == Verification.Kind.DIFFERENT) {
          shown.add(one.key());
        } else {
          findings.sample(one.kind(), one.key(), List.of());
        }
        if (shown.size() == plan.keysMax()) {
          break;
        }
      }
      if (!shown.isEmpty() && findings.wantsSamples()) {
        new RowPairs(
                shown,
                plan.sourceRows(look.scan.leader(), shown),
                plan.targetRows(look.target, shown))
            .sample(findings, mapping);
      }
    }

    private Look look() {
      join.beforeSnapshot();
      return look(new SourceScan(sessions, mapping, settings));
    }

    private Look look(SourceScan scan) {
      join.awaitSeen(scan.snapshot());
      PgSession session = sessions.openTarget();
      session.begin(Begin.REPEATABLE_READ_ONLY);
      join.readsTarget(session);
      // Whatever the join has asked: from here on the session has its snapshot.
      session.rows("select from " + Difference.targetRelation(mapping) + " limit 1");
      return new Look(scan, session);
    }

    /** Both tables under one snapshot each, the target's not behind the source's. */
    private final class Look {
      private final SourceScan scan;
      private final PgSession target;

      Look(SourceScan scan, PgSession target) {
        this.scan = scan;
        this.target = target;
      }

      void end() {
        scan.end();
        sessions.close(target);
      }
    }
  }
}
