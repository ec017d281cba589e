package io.tidemark.run;

import io.tidemark.change.OperatingFailure;
import io.tidemark.change.TableName;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.sync.CapturedTable;
import io.tidemark.sync.SyncConfiguration;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Makes a capture that may have missed changes anew, such that no target goes on as if nothing had
 * been missed.
 *
 * <p>INVARIANT: targets forget their positions before the capture is made anew, so a crash in
 * between leaves targets that are copied in full; and once more after it, since a copy that was
 * about to end may have set a position meanwhile.
 */
final class CaptureReset {
  private final Rooms rooms;
  private final AppliedPositions positions;
  private final PgDatabase source;

  CaptureReset(Rooms rooms, AppliedPositions positions, PgDatabase source) {
    this.rooms = rooms;
    this.positions = positions;
    this.source = source;
  }

  /**
   * @param configurations all that need this capture
   * @throws OperatingFailure if a database or a broker refuses; repeating it goes on from there
   */
  void run(List<SyncConfiguration> configurations) {
    if (configurations.isEmpty()) {
      rooms.tracker().release(source, this::tables);
      return;
    }
    configurations.forEach(positions::forget);
    rooms.tracker().reset(source, this::tables);
    configurations.forEach(positions::forget);
  }

  /** The tables of this source that configurations have now. */
  private Set<TableName> tables() {
    return rooms.configurations().notDeleting().stream()
        .flatMap(one -> one.definition().captured().stream())
        .filter(one -> one.connection().equals(source.connection()))
        .map(CapturedTable::table)
        .collect(Collectors.toSet());
  }
}
