package io.tidemark.capture;

/**
 * What a written position is a position of. Any difference means that LSNs cannot be compared, or
 * that changes are missing between.
 *
 * @param system the database cluster's system identifier
 * @param timeline of its WAL: another one after a fail-over or a point-in-time recovery
 * @param slot the slot's name
 */
record SlotGeneration(String system, long timeline, String slot) {}
