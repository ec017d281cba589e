package io.tidemark.capture;

import io.tidemark.change.TableName;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The tables of one source that are tracked, as the source has them now.
 *
 * @param publication its name
 * @param isPublished whether the publication exists
 */
public record TrackedTables(
    String publication, boolean isPublished, Map<TableName, TrackedTable> tables) {
  public TrackedTables {
    tables = Map.copyOf(tables);
  }

  /**
   * One of them.
   *
   * @param id of its tracking: a target that was copied under another id may miss changes. Empty in
   *     a publication of an earlier release
   * @param identity the columns of which the log has the old values; empty for all of them
   */
  public record TrackedTable(
      String id, Optional<Set<String>> identity, Optional<TrackingFault> fault) {}

  /**
   * What keeps a target from being right that was in sync with a table.
   *
   * @param trackingId under which it was; empty for a target of an earlier release
   */
  public Optional<TrackingFault> faultOf(TableName table, String trackingId) {
    TrackedTable found = tables.get(table);
    if (found == null) {
      return Optional.of(
          TrackingFault.missing(
              isPublished
                  ? "table " + table + " is no longer in publication " + publication
                  : "publication " + publication + " was dropped"));
    }
    if (found.fault().isPresent() || trackingId.isEmpty() || trackingId.equals(found.id())) {
      return found.fault();
    }
    return Optional.of(
        TrackingFault.missing(
            "the capture of table " + table + " was interrupted since the last copy"));
  }

  public Optional<TrackedTable> find(TableName table) {
    return Optional.ofNullable(tables.get(table));
  }
}
