package io.tidemark.copy;

import io.tidemark.change.RowKey;
import io.tidemark.postgres.PgSession;
import io.tidemark.postgres.PgSession.Begin;
import io.tidemark.sync.TableMapping;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Tells of keys that change while they are compared whether their rows differ.
 *
 * <p>Where changes flow one way, exactly: the source's rows of the keys are put into a stage, the
 * stage is brought to the position at which the target stands, as a full copy's is, and the two are
 * compared while the apply loop is held, which takes milliseconds. However often a key changes, its
 * rows are compared at one position.
 *
 * <p>Where changes flow both ways there is no such position: rows that differ and have not changed
 * after all that was under way has arrived are different; others are looked at again.
 */
final class Settlement {
  private static final int ROUNDS_MAX = 10;

  private final VerifyJoin join;
  private final Sessions sessions;
  private final StageTable stage;
  private final TableMapping mapping;
  private final CopySettings settings;
  private final VerifyPlan plan;
  private @Nullable PgSession staging;

  Settlement(
      VerifyJoin join,
      Sessions sessions,
      StageTable stage,
      TableMapping mapping,
      CopySettings settings,
      VerifyPlan plan) {
    this.join = join;
    this.sessions = sessions;
    this.stage = stage;
    this.mapping = mapping;
    this.settings = settings;
    this.plan = plan;
  }

  /** Settles some keys, no more than {@link VerifyPlan#keysMax}. */
  void settle(List<RowKey> keys, Findings findings) {
    Optional<StreamJoin> stream = join.settling();
    if (stream.isPresent()) {
      atOnePosition(keys, stream.get(), findings);
    } else {
      inRounds(keys, findings);
    }
  }

  private void atOnePosition(List<RowKey> keys, StreamJoin stream, Findings findings) {
    PgSession session = session();
    stream.beforeSnapshot();
    SourceScan scan = new SourceScan(sessions, mapping, settings);
    fill(session, scan, keys);
    join.awaitSeen(scan.snapshot());
    stream.catchUpAhead(session, stage.name(), scan.snapshot());
    session.begin(Begin.READ_COMMITTED);
    session.execute("set local lock_timeout = " + settings.lockTimeout().toMillis());
    stream.fence(session);
    stream.catchUp(session, stage.name(), scan.snapshot());
    RowPairs pairs =
        new RowPairs(keys, plan.stagedRows(session, keys, stage), plan.targetRows(session, keys));
    session.rollback();
    stage.drop(session);
    scan.end();
    pairs.differing().forEach(index -> pairs.record(index, findings, mapping));
  }

  /** One for all stages: each takes the lock of the stage's name. */
  private PgSession session() {
    PgSession known = staging;
    if (known == null) {
      known = sessions.openTarget();
      staging = known;
    }
    return known;
  }

  private void fill(PgSession session, SourceScan scan, List<RowKey> keys) {
    stage.create(session);
    CopyFormat format = CopyFormat.of(mapping, scan.leader(), session);
    session.begin(Begin.READ_COMMITTED);
    TargetStream into = TargetStream.into(stage.name(), mapping, format, session);
    new RowPump(
            format, into, new CopyProgress(System::nanoTime), settings.bufferBytes(), rows -> {})
        .pump(scan.leader().copyOut(plan.sourceCopy(keys, format)));
    into.finish();
    session.commit();
    stage.index(session);
    stage.analyze(session);
  }

  private void inRounds(List<RowKey> keys, Findings findings) {
    RowPairs open = read(keys);
    open = open.only(open.differing());
    for (int round = 0; round < ROUNDS_MAX && !open.keys().isEmpty(); round++) {
      join.awaitFlow();
      RowPairs now = read(open.keys());
      List<Integer> moved = new ArrayList<>();
      for (int index : now.differing()) {
        if (now.isAsIn(open, index)) {
          now.record(index, findings, mapping);
        } else {
          moved.add(index);
        }
      }
      open = now.only(moved);
    }
    findings.unsettled(open.keys().size());
  }

  private RowPairs read(List<RowKey> keys) {
    PgSession source = sessions.openSource();
    PgSession target = sessions.openTarget();
    RowPairs pairs =
        new RowPairs(keys, plan.sourceRows(source, keys), plan.targetRows(target, keys));
    sessions.close(source);
    sessions.close(target);
    return pairs;
  }
}
