package io.tidemark.apply;

import io.tidemark.postgres.UniqueIndex;
import io.tidemark.sync.TableMapping;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/** Which unique index of a target refused a row. */
final class PgUniqueIndex {
  private static final String VIOLATED = "23505";

  private PgUniqueIndex() {}

  /**
   * The index; empty if the refusal is for something else, or if the index reads columns that are
   * not mapped, so that the holder of the value cannot be told.
   */
  static Optional<UniqueIndex> violated(
      Connection connection, TableMapping mapping, SQLException refusal) throws SQLException {
    String constraint = constraint(refusal);
    if (constraint == null) {
      return Optional.empty();
    }
    return UniqueIndex.of(connection, mapping.target().oid()).stream()
        .filter(index -> index.names().contains(constraint))
        .filter(index -> mapping.targetNames().containsAll(index.columns()))
        .findFirst();
  }

  private static @Nullable String constraint(SQLException refusal) {
    ServerErrorMessage server =
        VIOLATED.equals(refusal.getSQLState()) && refusal instanceof PSQLException pg
            ? pg.getServerErrorMessage()
            : null;
    return server == null ? null : server.getConstraint();
  }
}
