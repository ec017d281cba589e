package io.tidemark.conflict;

/**
 * Which record of a change topic a conflict was found at. A batch that is repeated after a crash
 * begins at the same record, so the same conflict has the same place.
 *
 * @param topic empty for a conflict that a comparison of whole tables found
 * @param offset the first record of the key in its batch; for a comparison, a number of its own
 */
public record Place(String topic, int partition, long offset) {}
