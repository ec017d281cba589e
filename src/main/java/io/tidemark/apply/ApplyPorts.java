package io.tidemark.apply;

import io.tidemark.conflict.ConflictLog;

/**
 * Where an apply loop puts on record what it does not simply write, and asks for what it was not
 * sent.
 *
 * @param parked rows that the target refuses
 * @param conflicts rows that others have written
 * @param newest rows of which the source did not send every value
 */
public record ApplyPorts(ParkedRows parked, ConflictLog conflicts, NewestRows newest) {}
