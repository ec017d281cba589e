package io.tidemark.apply;

import io.tidemark.change.TableName;

/**
 * What a position depends on besides its topic. Once either of them is another, the position says
 * nothing, and only a copy brings the target in sync again.
 *
 * @param trackingId of the tracking that fills the topic; see {@link
 *     io.tidemark.capture.TrackedTables}
 * @param target the table that is in sync; the position also holds its oid
 */
public record PositionBasis(String trackingId, TableName target) {}
