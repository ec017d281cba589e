package io.tidemark.sync;

import io.tidemark.postgres.PgFailure;
import io.tidemark.postgres.Sql;
import io.tidemark.postgres.TableShape;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Optional;

/**
 * Asks the servers that evaluate a row filter whether it is a boolean expression over the table's
 * columns.
 */
final class PgRowFilterCheck {
  /** Planning one expression takes milliseconds; a lock on the table is what would take long. */
  private static final String TIMEOUT = "5s";

  private final TableShape table;
  private final String filter;

  PgRowFilterCheck(TableShape table, String filter) {
    this.table = table;
    this.filter = filter;
  }

  /** Asks the source, which evaluates it in copies. */
  List<Finding> inspect(Connection source) throws SQLException {
    Optional<String> problem = RowFilterText.problemOf(filter);
    if (problem.isPresent()) {
      return List.of(refused(problem.get()));
    }
    // The line ends end a comment that the filter ends with.
    String query =
        """
        select 1
        from %s
        where (
        %s
        )
        limit 0
        """
            .formatted(Sql.name(table.name()), filter);
    return refusal(source, query).map(PgRowFilterCheck::refused).stream().toList();
  }

  /**
   * Asks the target, which evaluates it for changes: it has neither the table nor its functions.
   */
  List<Finding> inspectForChanges(Connection target) throws SQLException {
    String query = new RowFilterSql(table, filter).places(i -> "null", "(select 0 as place) as d");
    return refusal(target, query)
        .map(
            message ->
                Finding.error(
                    "row_filter",
                    "row_filter_not_at_target",
                    "the target, which evaluates the row filter for changes, does not accept it: "
                        + message,
                    "Use types and functions that both databases have, and columns without the"
                        + " schema's name"))
        .stream()
        .toList();
  }

  /** What a server says against a query; it is planned and not run. */
  private static Optional<String> refusal(Connection server, String query) throws SQLException {
    server.setAutoCommit(false);
    try (Statement statement = server.createStatement()) {
      // Escapes and question marks are the driver's language, not the user's.
      statement.setEscapeProcessing(false);
      statement.execute("set transaction read only");
      statement.execute("set local statement_timeout = " + Sql.literal(TIMEOUT));
      statement.execute("explain " + query);
      return Optional.empty();
    } catch (SQLException e) {
      return Optional.of(PgFailure.describe(e));
    } finally {
      server.rollback();
      server.setAutoCommit(true);
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
