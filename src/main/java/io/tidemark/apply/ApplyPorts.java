package io.tidemark.apply;

import io.tidemark.conflict.ConflictLog;
import java.util.Map;

/**
 * Where an apply loop puts on record what it does not simply write, and asks for what it was not
 * sent.
 *
 * @param parked rows that the target refuses
 * @param conflicts rows that others have written
 * @param newest rows of which the source did not send every value
 * @param whole likewise, where a row filter asks for a value
 */
public record ApplyPorts(
    ParkedRows parked, ConflictLog conflicts, NewestRows newest, WholeRows whole) {
  /** For a configuration without a row filter. */
  ApplyPorts(ParkedRows parked, ConflictLog conflicts, NewestRows newest) {
    this(parked, conflicts, newest, keys -> Map.of());
  }
}
