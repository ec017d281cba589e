package io.tidemark.run;

import io.tidemark.apply.AppliedPosition;
import io.tidemark.apply.PgPositions;
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
  void set(SyncConfiguration configuration, Collection<AppliedPosition> positions) {
    with(configuration, target -> positions.forEach(target::set));
  }

  /** The positions in one topic; empty if the target was never in step with it. */
  List<AppliedPosition> find(SyncConfiguration configuration, String topic) {
    List<AppliedPosition> found = new ArrayList<>();
    with(configuration, target -> found.addAll(target.find(topic)));
    return found;
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
