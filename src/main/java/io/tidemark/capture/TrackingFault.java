package io.tidemark.capture;

/**
 * Why changes of a tracked table do not all reach its topic, or cannot be applied.
 *
 * @param reason a clause that names what was changed at the source
 * @param remedy what ends it, short of copying the table again; empty if nothing does
 * @param missesChanges whether changes may be missing in the topic, so that only a copy of the
 *     table makes its targets right again
 * @param removesOnly whether the missing changes could only be deletions
 */
public record TrackingFault(
    String reason, String remedy, boolean missesChanges, boolean removesOnly) {
  static TrackingFault missing(String reason) {
    return new TrackingFault(reason, "", true, false);
  }

  static TrackingFault removed(String reason) {
    return new TrackingFault(reason, "", true, true);
  }

  static TrackingFault undone(String reason, String remedy) {
    return new TrackingFault(reason, remedy, false, false);
  }
}
