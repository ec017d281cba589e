package io.tidemark.copy;

import io.tidemark.conflict.ConflictPolicy;
import io.tidemark.sync.TableMapping;
import java.util.UUID;

/**
 * One table to merge.
 *
 * @param configuration whose rows these are
 * @param execution names the stage table, and the place of the conflicts that are decided
 * @param policy who wins where the two rows of a key differ
 * @param topic the configuration's change topic, empty if it has none
 */
public record MergeRequest(
    UUID configuration,
    UUID execution,
    TableMapping mapping,
    ConflictPolicy policy,
    String topic) {}
