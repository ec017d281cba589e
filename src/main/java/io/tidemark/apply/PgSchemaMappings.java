package io.tidemark.apply;

import io.tidemark.change.SourcePosition;
import io.tidemark.change.TableSchema;
import io.tidemark.sync.TableMapping;
import java.sql.Connection;
import java.sql.SQLException;

/** Lays a configuration over its tables as they were when changes were made. */
@FunctionalInterface
public interface PgSchemaMappings {
  /**
   * The mapping for changes that were made under a schema. What follows from it is written only if
   * this returns.
   *
   * @param position of the first of the changes
   * @param planned the mapping as the catalogs had it when the session began
   * @param target a session on the target, at the beginning of a transaction
   * @throws io.tidemark.change.OperatingFailure if the table has changed so that its changes cannot
   *     be written as before, with the column and the remedy
   */
  TableMapping of(
      TableSchema schema, SourcePosition position, TableMapping planned, Connection target)
      throws SQLException;
}
