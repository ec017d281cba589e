package io.tidemark.sync;

import io.tidemark.change.TableName;
import io.tidemark.postgres.PgFailure;
import io.tidemark.postgres.Sql;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Optional;

/** Asks the source whether a row filter is a boolean expression over the table's columns. */
final class PgRowFilterCheck {
  /** Planning one expression takes milliseconds; a lock on the table is what would take long. */
  private static final String TIMEOUT = "5s";

  private PgRowFilterCheck() {}

  static List<Finding> inspect(Connection source, TableName table, String filter)
      throws SQLException {
    Optional<String> problem = RowFilterText.problemOf(filter);
    if (problem.isPresent()) {
      return List.of(refused(problem.get()));
    }
    source.setAutoCommit(false);
    try (Statement statement = source.createStatement()) {
      // Escapes and question marks are the driver's language, not the user's.
      statement.setEscapeProcessing(false);
      statement.execute("set transaction read only");
      statement.execute("set local statement_timeout = " + Sql.literal(TIMEOUT));
      // The line ends end a comment that the filter ends with.
      statement.execute(
          """
          explain
          select 1
          from %s
          where (
          %s
          )
          limit 0
          """
              .formatted(Sql.name(table), filter));
      return List.of();
    } catch (SQLException e) {
      return List.of(refused(PgFailure.describe(e)));
    } finally {
      source.rollback();
      source.setAutoCommit(true);
    }
  }

  private static Finding refused(String message) {
    return Finding.error(
        "row_filter",
        "row_filter_invalid",
        "the row filter is not accepted: " + message,
        "Write one SQL boolean expression over columns of the source table");
  }
}
