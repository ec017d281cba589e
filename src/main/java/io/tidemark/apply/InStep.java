package io.tidemark.apply;

import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Since when the target is in step with its source, and which writes since then are ours.
 *
 * @param since a timestamp as the target's server writes it: writes of others after it count
 * @param origins oids of the replication origins that mark this configuration's writes; empty if
 *     they carry none
 * @param kept whose rows a merge has left as they were: they count as written by others, whenever
 *     that was; null if there are none
 */
record InStep(String since, List<Long> origins, @Nullable UUID kept) {
  InStep {
    origins = List.copyOf(origins);
  }
}
