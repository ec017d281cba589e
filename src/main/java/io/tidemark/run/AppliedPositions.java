package io.tidemark.run;

import io.tidemark.apply.AppliedPosition;
import io.tidemark.apply.PgPositions;
import io.tidemark.apply.PositionBasis;
import io.tidemark.change.OperatingFailure;
import io.tidemark.postgres.PgSession;
import io.tidemark.sync.SyncConfiguration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.function.Consumer;

/** Sets and forgets the positions of configurations in their targets, outside any stream. */
final class AppliedPositions {
  private final Rooms rooms;

  AppliedPositions(Rooms rooms) {
    this.rooms = rooms;
  }

  /** Makes these the configuration's positions: it goes on from there. */
  void set(
      SyncConfiguration configuration, Collection<AppliedPosition> positions, PositionBasis basis) {
    with(configuration, target -> positions.forEach(position -> target.set(position, basis)));
  }

  /** Notes what the positions in a topic depend on, where an earlier release did not. */
  void noteBasis(SyncConfiguration configuration, String topic, PositionBasis basis) {
    with(configuration, target -> target.noteBasis(topic, basis));
  }

  /** Source and target were compared or merged: no record of a row that differs is missing. */
  void forgetMarks(SyncConfiguration configuration) {
    with(configuration, PgPositions::forgetMarks);
  }

  /** The positions in one topic; empty if the target was never in step with it. */
  List<AppliedPosition> find(SyncConfiguration configuration, String topic) {
    List<AppliedPosition> found = new ArrayList<>();
    with(configuration, target -> found.addAll(target.find(topic)));
    return found;
  }

  /**
   * Whether a merge has to begin as the first one does: the target has no positions, or such that
   * nothing can go on from. Those are forgotten, so that no loop goes on from them either.
   */
  boolean areNone(SyncConfiguration configuration) {
    Assessment assessment = Assumptions.now(rooms, configuration);
    if (assessment instanceof Assessment.Broken broken && broken.needsCopy()) {
      forget(configuration);
      return true;
    }
    return assessment instanceof Assessment.NeverInSync;
  }

  /**
   * Takes the target for one that was never in step.
   *
   * @throws OperatingFailure if the target cannot be reached or refuses
   */
  void forget(SyncConfiguration configuration) {
    with(configuration, PgPositions::forget);
  }

  private void with(SyncConfiguration configuration, Consumer<PgPositions> work) {
    try (PgSession session =
        PgSession.open(
            rooms.target(configuration.definition()),
            OperatingFailure.Kind.TARGET,
            "position",
            "positions")) {
      PgPositions positions = new PgPositions(session, configuration.id());
      positions.ensureTable();
      work.accept(positions);
    }
  }
}
