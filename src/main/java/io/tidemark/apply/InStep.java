package io.tidemark.apply;

import java.util.List;

/**
 * Since when the target is in step with its source, and which writes since then are ours.
 *
 * @param since a timestamp as the target's server writes it: writes of others after it count
 * @param origins oids of the replication origins that mark this configuration's writes; empty if
 *     they carry none
 */
record InStep(String since, List<Long> origins) {
  InStep {
    origins = List.copyOf(origins);
  }
}
