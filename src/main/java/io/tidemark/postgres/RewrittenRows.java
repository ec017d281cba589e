package io.tidemark.postgres;

import io.tidemark.change.TableName;

/**
 * Tells rows that a statement wrote which rewrote their table, as a change of a column's type does:
 * each of them carries its transaction, and yet nobody has written one.
 *
 * <p>The statement has changed the table's columns too, so their entries in the catalog carry the
 * same transaction, until the column is altered again.
 */
public final class RewrittenRows {
  private RewrittenRows() {}

  /**
   * A condition.
   *
   * @param xmin the expression of a row's transaction
   */
  public static String condition(TableName table, String xmin) {
    return """
        %s = any (array(
          select distinct a.xmin
          from pg_catalog.pg_attribute a
          where a.attrelid = %s::regclass))"""
        .formatted(xmin, Sql.literal(Sql.name(table)));
  }
}
