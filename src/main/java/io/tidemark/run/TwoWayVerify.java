package io.tidemark.run;

import io.tidemark.apply.AppliedPosition;
import io.tidemark.apply.PgPositions;
import io.tidemark.change.OperatingFailure;
import io.tidemark.copy.MergeJoin.ChangedKeys;
import io.tidemark.copy.StreamJoin;
import io.tidemark.copy.VerifyJoin;
import io.tidemark.postgres.Lsn;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.postgres.PgSession;
import io.tidemark.postgres.SourceSnapshot;
import io.tidemark.sync.SyncConfiguration;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A comparison beside a loop of both directions: there is no position at which both sides stand, so
 * rows that differ are looked at again once everything has arrived that was under way.
 */
final class TwoWayVerify implements VerifyJoin {
  private static final Duration FLOW_MAX = Duration.ofMinutes(30);

  private static final String NOW = "select pg_catalog.pg_current_wal_insert_lsn()::text";

  /**
   * One of the two directions.
   *
   * @param side where its changes come from
   */
  record Way(String topic, PgDatabase side, OperatingFailure.Kind kind, TopicWait waiting) {}

  private final SyncConfiguration configuration;
  private final PgDatabase target;
  private final List<Way> ways;

  TwoWayVerify(SyncConfiguration configuration, PgDatabase target, List<Way> ways) {
    this.configuration = configuration;
    this.target = target;
    this.ways = List.copyOf(ways);
  }

  @Override
  public void beforeSnapshot() {
    // What comes after it is looked at again, whenever it came.
  }

  @Override
  public void awaitSeen(SourceSnapshot snapshot) {
    awaitFlow();
  }

  @Override
  public void readsTarget(PgSession session) {
    // Where it stands does not tell what it has: its users write too.
  }

  @Override
  public void underWay(SourceSnapshot snapshot, ChangedKeys keys) {
    keys.truncated();
  }

  @Override
  public Optional<StreamJoin> settling() {
    return Optional.empty();
  }

  @Override
  public void awaitFlow() {
    List<Long> now = ways.stream().map(TwoWayVerify::now).toList();
    try (PgSession session =
        PgSession.open(target, OperatingFailure.Kind.TARGET, "position", "positions")) {
      PgPositions positions = new PgPositions(session, configuration.id());
      for (int i = 0; i < ways.size(); i++) {
        Way way = ways.get(i);
        Map<Integer, AppliedPosition> ends = way.waiting().untilWritten(now.get(i), FLOW_MAX);
        way.waiting().untilApplied(ends, () -> positions.find(way.topic()));
      }
    }
  }

  private static long now(Way way) {
    try (PgSession session = PgSession.open(way.side(), way.kind(), "position", "log position")) {
      return Lsn.parse(session.text(NOW));
    }
  }
}
