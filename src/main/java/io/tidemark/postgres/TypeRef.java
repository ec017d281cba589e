package io.tidemark.postgres;

/**
 * A column's type as the server's messages and catalogs name it.
 *
 * @param oid the oid in {@code pg_type}
 * @param modifier length or precision as {@code atttypmod} has it; -1 for none
 */
public record TypeRef(int oid, int modifier) {}
