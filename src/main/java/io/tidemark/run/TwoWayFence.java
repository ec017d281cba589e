package io.tidemark.run;

import io.tidemark.apply.AppliedPosition;
import io.tidemark.apply.PgPositions;
import io.tidemark.change.OperatingFailure;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.postgres.PgSession;
import io.tidemark.postgres.PgSession.Begin;
import java.util.List;
import java.util.UUID;

/**
 * Holds a loop of both directions still while a merge writes either side: a session of its own on
 * the target, where the positions are, whichever side is written.
 */
final class TwoWayFence implements AutoCloseable {
  /** Longer than the loop holds its positions for one batch. */
  private static final String LOCK_TIMEOUT = "set local lock_timeout = '20s'";

  private final PgSession session;
  private final PgPositions positions;
  private final List<String> topics;
  private final boolean isFirst;
  private boolean isHeld;
  private boolean isRenewed;

  /**
   * @param topics the source's and the target's, in the order in which the loop takes their
   *     positions
   */
  TwoWayFence(PgDatabase target, UUID configuration, List<String> topics) {
    session = PgSession.open(target, OperatingFailure.Kind.TARGET, "merge fence", "positions");
    positions = new PgPositions(session, configuration);
    this.topics = List.copyOf(topics);
    try {
      positions.ensureTable();
      isFirst = topics.stream().anyMatch(topic -> find(topic).isEmpty());
    } catch (RuntimeException e) {
      session.abort();
      throw e;
    }
  }

  /** Whether the loop has no position to go on from, so that none runs. */
  boolean isFirst() {
    return isFirst;
  }

  /** Where the loop stands. */
  List<AppliedPosition> find(String topic) {
    return positions.find(topic);
  }

  /** Holds the loop, until it is let go. */
  void hold() {
    session.begin(Begin.READ_COMMITTED);
    isHeld = true;
    isRenewed = false;
    session.execute(LOCK_TIMEOUT);
    topics.forEach(positions::lock);
  }

  /** Has the loop read its positions anew once it is let go. */
  void renew() {
    topics.forEach(positions::renew);
    isRenewed = true;
  }

  /** Lets the loop go on; no harm if it is not held. */
  void letGo() {
    if (!isHeld) {
      return;
    }
    isHeld = false;
    if (isRenewed) {
      session.commit();
    } else {
      session.rollback();
    }
  }

  @Override
  public void close() {
    session.close();
  }
}
