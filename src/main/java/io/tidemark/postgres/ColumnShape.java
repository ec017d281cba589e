package io.tidemark.postgres;

import io.tidemark.change.ValueKind;

/**
 * What the catalog says of one column.
 *
 * @param type as {@code format_type} writes it with an empty search path: usable in a cast
 * @param castType the type without its length or precision: a cast to it never cuts a value short,
 *     so that a value too long for its column is refused by the column
 * @param typeOid the oid in {@code pg_type}
 * @param nullable whether it may hold null
 * @param generation how its values come about
 */
public record ColumnShape(
    String name,
    String type,
    String castType,
    int typeOid,
    Nullability nullable,
    Generation generation) {
  /** Whether a column may hold null. */
  public enum Nullability {
    NULLABLE,
    NOT_NULL
  }

  /** How a column's values come about. */
  public enum Generation {
    /** Written by whoever writes the row. */
    WRITTEN,
    /** {@code generated always as identity}: written only with {@code overriding system value}. */
    IDENTITY_ALWAYS,
    /** {@code generated always as (…)}: never written. */
    COMPUTED
  }

  public ValueKind kind() {
    return ValueKind.ofTypeOid(typeOid);
  }

  public boolean isWritable() {
    return generation != Generation.COMPUTED;
  }
}
