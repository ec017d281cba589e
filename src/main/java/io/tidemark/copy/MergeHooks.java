package io.tidemark.copy;

import io.tidemark.conflict.ConflictLog;

/**
 * What takes part in a merge from outside.
 *
 * @param log where every row that differs is put on record
 */
public record MergeHooks(MergeJoin join, TargetPreparation preparation, ConflictLog log) {}
