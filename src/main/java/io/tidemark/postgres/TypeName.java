package io.tidemark.postgres;

/**
 * A type's name as {@code format_type} writes it with an empty search path: usable in a cast.
 *
 * @param type with its length or precision
 * @param castType without
 */
public record TypeName(String type, String castType) {}
