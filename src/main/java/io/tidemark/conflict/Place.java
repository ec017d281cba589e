package io.tidemark.conflict;

/**
 * Which record of a change topic a conflict was found at. A batch that is repeated after a crash
 * begins at the same record, so the same conflict has the same place.
 *
 * @param topic empty if nothing is captured
 * @param partition negative for a conflict that a comparison of whole tables found
 * @param offset the first record of the key in its batch; for a comparison, a number of its own
 */
public record Place(String topic, int partition, long offset) {
  private static final int NO_PARTITION = -1;

  /**
   * The place of a conflict that a comparison of whole tables found.
   *
   * @param number the same for the same conflict, not negative
   */
  public static Place ofComparison(String topic, long number) {
    return new Place(topic, NO_PARTITION, number);
  }

  boolean isOfComparison() {
    return partition == NO_PARTITION;
  }
}
