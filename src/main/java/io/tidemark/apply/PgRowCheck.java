package io.tidemark.apply;

import io.tidemark.change.Row;
import io.tidemark.postgres.ColumnShape;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Asks a target whether values fit its columns, one by one: the refusal of a whole row does not
 * always tell which of them is at fault. In the caller's transaction, which goes on.
 */
final class PgRowCheck {
  static final String UNKNOWN_COLUMN = "42703";

  /** A cast to such a type cuts what is too long, where a column refuses it. */
  private static final Pattern BOUNDED_TEXT = Pattern.compile("character(?: varying)?\\((\\d+)\\)");

  private final Connection connection;
  private final List<ColumnShape> columns;

  PgRowCheck(Connection connection, List<ColumnShape> columns) {
    this.connection = connection;
    this.columns = columns;
  }

  /** One for each column that the table does not have, or whose value does not fit. */
  List<RowRefusal> check(Row row) throws SQLException {
    List<RowRefusal> refusals = new ArrayList<>();
    for (int i = 0; i < row.shape().size(); i++) {
      String name = row.shape().column(i);
      Optional<ColumnShape> column =
          columns.stream().filter(one -> one.name().equals(name)).findFirst();
      (column.isEmpty() ? Optional.of(unknown(name)) : check(column.get(), row.value(i)))
          .ifPresent(refusals::add);
    }
    return refusals;
  }

  private RowRefusal unknown(String name) {
    return new RowRefusal(
        UNKNOWN_COLUMN,
        List.of(name),
        "it is no column that this configuration keeps in step; there are: "
            + String.join(", ", columns.stream().map(ColumnShape::name).toList()));
  }

  private Optional<RowRefusal> check(ColumnShape column, @Nullable String value)
      throws SQLException {
    if (value == null) {
      return column.nullable() == ColumnShape.Nullability.NOT_NULL
          ? refusal("23502", column, "it must not be null")
          : Optional.empty();
    }
    if (isTooLong(column, value)) {
      return refusal("22001", column, "its value is longer than " + column.type() + " takes");
    }
    Savepoint before = connection.setSavepoint();
    try (PreparedStatement statement =
        connection.prepareStatement(
            "select cast(? as text)::%s::%s".formatted(column.castType(), column.type()))) {
      statement.setString(1, value);
      statement.executeQuery().close();
      connection.releaseSavepoint(before);
      return Optional.empty();
    } catch (SQLException e) {
      if (PgRefusal.of(e) != PgRefusal.ROW) {
        throw e;
      }
      connection.rollback(before);
      return refusal(e.getSQLState(), column, "its value is no " + column.type());
    }
  }

  private static boolean isTooLong(ColumnShape column, String value) {
    Matcher bounded = BOUNDED_TEXT.matcher(column.type());
    // Blanks at the end may go.
    String counted = value.stripTrailing();
    return bounded.matches()
        && counted.codePointCount(0, counted.length()) > Integer.parseInt(bounded.group(1));
  }

  private static Optional<RowRefusal> refusal(String code, ColumnShape column, String reason) {
    return Optional.of(new RowRefusal(code, List.of(column.name()), reason));
  }
}
